package attach

import (
	"os"
	"os/signal"

	"gantry/internal/sys"
	"gantry/pkg/terminal/session"
	"golang.org/x/sys/unix"
)

// passed are the signals a shell or a terminal sends to the process group of a
// command. Without a pty the command inside gets them from us: it is not in
// the group.
var passed = []os.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP, unix.SIGTSTP}

// catch begins to catch them. What nohup(1) or a shell has ignored stays so.
func catch() chan os.Signal {
	caught := make(chan os.Signal, 16)
	for _, sig := range passed {
		if !signal.Ignored(sig) {
			signal.Notify(caught, sig)
		}
	}
	return caught
}

// relay passes signals on to the command until it ends. Its pid stays its own
// until it is waited for.
func relay(pid int, child *os.File, caught chan os.Signal) error {
	ended := make(chan error, 1)
	go func() {
		ended <- sys.Retry(func() error {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(child.Fd()), Events: unix.POLLIN}}, -1)
			return err
		})
	}()
	for {
		select {
		case err := <-ended:
			return sys.CallError("poll", err)
		case sig := <-caught:
			pass(pid, sig.(unix.Signal))
		}
	}
}

// pass does to the command, and to us, what the signal would do if we were one
// process group.
func pass(pid int, sig unix.Signal) {
	switch sig {
	case unix.SIGTSTP:
		unix.Kill(-pid, unix.SIGSTOP)
		unix.Kill(os.Getpid(), unix.SIGSTOP)
		unix.Kill(-pid, unix.SIGCONT) // and so are we
	case unix.SIGTERM, unix.SIGHUP:
		unix.Kill(-pid, sig)
		session.Raise(sig)
	default:
		unix.Kill(-pid, sig)
	}
}
