// Lxc-shim supervises one running container.
//
// It is not for use by hand: lxc-start and its like execute it with the number
// of a socket in LXC_HANDOVER_FD, on which they hand it the container. Its
// command line reads `[lxc monitor] LXCPATH NAME`.
package main

import (
	"os"
	"strconv"

	"gantry/pkg/handover"
	"gantry/pkg/shim"
)

func main() {
	if err := shim.Hold(); err != nil {
		os.Stderr.WriteString("lxc-shim: " + err.Error() + "\n")
		os.Exit(1)
	}
	name := handover.Env[:len(handover.Env)-1]
	fd, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		os.Stderr.WriteString("lxc-shim: not for use by hand: it is started by lxc-start\n")
		os.Exit(1)
	}
	os.Exit(shim.Run(os.NewFile(uintptr(fd), "handover")))
}
