package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"gantry/pkg/terminal"
	"gantry/pkg/terminal/session"
	"golang.org/x/sys/unix"
)

// ConsoleOptions says how Console connects to a terminal of a container.
type ConsoleOptions struct {
	TTY    int // 0 is /dev/console, N is /dev/ttyN, -1 the first of those that is free
	Escape int // control character that precedes q to leave; 0 and less is none
}

// Console connects standard input and output to a terminal of the container
// until the user leaves or the container stops. One that does not run is
// ErrNotRunning.
func Console(c *Container, o ConsoleOptions) error {
	// It says where to log; one that cannot be read is no reason not to look.
	c.Config()
	running, err := c.Running()
	if err != nil {
		return err
	}
	if !running {
		return c.NotRunning(" (start it first)")
	}
	if !interactive(os.Stdin) {
		return errors.New("standard input is neither a terminal nor a pipe (lxc-attach NAME -- COMMAND needs neither)")
	}
	tty, err := c.Client().TTY(o.TTY)
	if errors.Is(err, unix.EBADF) {
		return denied(o.TTY)
	}
	if err != nil {
		return err
	}
	defer tty.Close()
	escape := byte(max(o.Escape, 0))
	if escape > 0 {
		// To standard error, like LXC: standard output is the tty's alone.
		letter := string(rune(escape + 'a' - 1))
		fmt.Fprintf(os.Stderr, "\nConnected to tty %[1]d\nType <Ctrl+%[2]s q> to exit the console, <Ctrl+%[2]s Ctrl+%[2]s> to enter Ctrl+%[2]s itself\n", tty.Number, letter)
	}
	s := session.Session{In: os.Stdin, Out: os.Stdout, Ptx: tty.Ptx, Escape: escape}
	result, err := s.Run()
	if err == nil && result.End == session.Signaled && result.Signal != unix.SIGTERM {
		session.Raise(result.Signal)
	}
	return err
}

// denied explains why there is no terminal n. The monitor says so with one
// errno for all reasons.
func denied(n int) error {
	switch {
	case n < 0:
		return errors.New("denied access to tty: all are taken, or the container has none (lxc.tty.max)")
	case n == 0:
		return errors.New("denied access to tty 0: the console is taken, or the container has none (lxc.console.path)")
	}
	return errors.New("denied access to tty " + strconv.Itoa(n) + ": it is taken, or the container has fewer (lxc.tty.max)")
}

// interactive says whether somebody may be typing: not into a regular file or
// /dev/null, which LXC refuses as well.
func interactive(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	return terminal.IsTerminal(int(f.Fd())) || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}
