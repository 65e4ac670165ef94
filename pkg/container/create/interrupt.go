package create

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Interrupted is the error of work a signal has ended. Everything was undone.
type Interrupted struct{ Signal syscall.Signal }

// Error names the signal.
func (i Interrupted) Error() string { return "interrupted by " + unix.SignalName(i.Signal) }

// interrupting are the signals that end work in an orderly way.
var interrupting = []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM}

// interruptible gives a context that a signal ends, with Interrupted as its
// cause. Signals the caller ignores, as under nohup(1), stay ignored, and a
// reader of our output that goes away is no reason to die half way.
func interruptible() (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	heard := make(chan os.Signal, 1)
	for _, s := range interrupting {
		if !signal.Ignored(s) {
			signal.Notify(heard, s)
		}
	}
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, unix.SIGPIPE)
	go func() {
		select {
		case s := <-heard:
			cancel(Interrupted{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(heard)
		signal.Stop(pipe)
		cancel(nil)
	}
}
