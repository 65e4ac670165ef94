// Package session joins a user's terminal to a pty for as long as somebody
// sits at it: lxc-console to a tty of the container, lxc-attach to the
// terminal of its command.
//
//	user ── In ─▶ escape ─▶ ptx ═ pts   the container's side
//	     ◀─ Out ◀─┬───────── ptx
//	              └▶ Copy
//
// One loop over poll(2) carries everything, so that nothing can be lost or
// overtaken between two goroutines. The user's terminal is in raw mode
// meanwhile, and itself again on every way out: the end of the session, a
// signal, a stop.
package session

import (
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Session is what is joined.
type Session struct {
	In     *os.File    // what is typed; nil for nothing. A terminal goes into raw mode
	Out    *os.File    // where output goes; nil for nowhere
	Ptx    *os.File    // the pty's end, which stays the caller's
	Escape byte        // control character that precedes q to leave; 0 for none
	Child  *os.File    // pidfd of the command on the pty; nil for none
	Copy   io.Writer   // gets all output too; nil for none
	Ignore []os.Signal // of INT, QUIT, TERM and HUP, those that do not end the session
}

// An End says why a session is over.
type End int

// The ends.
const (
	Left       End = iota // the user typed the escape and q
	HungUp                // nobody on the other side has the pty open any more
	ChildEnded            // Child has; what it wrote has been shown, even if another process still has the pty
	InputEnded            // there is nothing more to come from In
	Signaled              // Result.Signal came
)

// A Result is how a session ended.
type Result struct {
	End    End
	Signal unix.Signal
}

// Run carries bytes until the session ends. The error is one of reading or
// writing; the terminal is itself again in any case.
func (s *Session) Run() (Result, error) {
	p, err := newPump(s)
	if err != nil {
		return Result{}, err
	}
	defer p.close()
	for !p.over() {
		if err := p.turn(); err != nil {
			return Result{}, err
		}
	}
	return p.result, nil
}

// Raise ends this process by a signal that ended a session, as it would have
// ended without one.
func Raise(sig unix.Signal) {
	// signal.Reset would leave SIGQUIT to Go's runtime, which exits with 2. The
	// zero kernel_sigaction, of 32 bytes, is SIG_DFL (sigaction(2)).
	var byDefault [4]uint64
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	unix.Kill(os.Getpid(), sig)
	select {} // the signal may be another thread's to take
}
