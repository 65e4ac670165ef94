// Evil is what hostile root runs inside a container: each operand names one
// attack. It tells on standard output what it has got hold of.
package main

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// secret is a file outside that nobody inside may reach.
const secret = "run/rig/outside/secret"

var attacks = map[string]func(args []string) error{
	"bomb":        bomb,
	"connect":     connect,
	"fds":         fds,
	"flood":       flood,
	"forge":       forge,
	"freeze":      freeze,
	"group":       killGroup,
	"hangup":      hangup,
	"impersonate": impersonate,
	"lease":       lease,
	"nest":        nest,
	"overload":    overload,
	"ptys":        ptys,
	"push":        push,
	"rename":      rename,
	"run":         run,
	"spy":         spy,
	"stubborn":    stubborn,
	"trace":       trace,
	"zombies":     zombies,
}

func main() {
	runtime.LockOSThread()
	if len(os.Args) < 2 || attacks[os.Args[1]] == nil {
		fmt.Println("evil: no such attack:", os.Args)
		os.Exit(2)
	}
	if err := attacks[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Println(os.Args[1]+":", err)
		os.Exit(1)
	}
}

// wait lets the process be, until it is killed.
func wait() error {
	for {
		unix.Pause()
	}
}
