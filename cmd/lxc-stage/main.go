// Lxc-stage does for a shim what the shim is too small for: it restarts a
// container that reboots, and ends one that has stopped.
//
// It is not for use by hand: lxc-shim executes it with the number of a socket
// in LXC_HANDOVER_FD, on which it lends it the container. The exit status is 0
// when all went well.
package main

import (
	"os"
	"strconv"

	"gantry/pkg/handover"
	"gantry/pkg/stage"
	"golang.org/x/sys/unix"
)

func main() {
	unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	name := handover.Env[:len(handover.Env)-1]
	fd, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		os.Stderr.WriteString("lxc-stage: not for use by hand: it is started by lxc-shim\n")
		os.Exit(1)
	}
	socket := os.NewFile(uintptr(fd), "handover")
	state, files, err := handover.Receive(socket)
	if err != nil {
		os.Exit(1)
	}
	do := stage.Finish
	if state.Starting {
		do = func(s *handover.State, f handover.Files) error { return stage.Restart(s, f, socket) }
	}
	if err := do(state, files); err != nil {
		os.Exit(1) // told in the log
	}
}
