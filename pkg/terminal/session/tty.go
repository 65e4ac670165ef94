package session

import (
	"os"

	"gantry/pkg/terminal"
	"golang.org/x/sys/unix"
)

// A tty is the user's terminal.
type tty struct {
	in   int           // put into raw mode; -1 when In is no terminal
	size int           // whose window size counts; -1 for none
	was  *unix.Termios // in's modes outside the session
	raw  *unix.Termios // and within

	ahead terminal.Ahead
}

// newTTY finds the terminal among what the user gave us.
func newTTY(in, out *os.File) *tty {
	t := &tty{in: -1, size: -1}
	if out != nil && terminal.IsTerminal(int(out.Fd())) {
		t.size = int(out.Fd())
	}
	if in != nil && terminal.IsTerminal(int(in.Fd())) {
		t.in = int(in.Fd())
		t.size = t.in
	}
	return t
}

// enter puts the terminal into raw mode, unless it is: then we were stopped
// without notice, and nobody has touched it since.
func (t *tty) enter() error {
	if t.in < 0 {
		return nil
	}
	now, err := unix.IoctlGetTermios(t.in, unix.TCGETS)
	if err == nil && t.raw != nil && *now == *t.raw {
		return nil
	}
	if t.was, err = terminal.Raw(t.in); err != nil {
		return err
	}
	t.ahead = terminal.TypedAhead(t.in, t.was)
	t.raw, err = unix.IoctlGetTermios(t.in, unix.TCGETS)
	return err
}

// leave gives the terminal back.
func (t *tty) leave() {
	if t.was != nil {
		terminal.Restore(t.in, t.was)
		t.was, t.raw = nil, nil
	}
}

// resize gives the pty the terminal's size.
func (t *tty) resize(ptx int) {
	if t.size >= 0 {
		terminal.CopySize(t.size, ptx)
	}
}
