// Package interrupt lets a signal end work in an orderly way: what was begun is
// undone before the process ends. Work that has come too far to be undone lets
// signals wait, or passes them on.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Error is the error of work a signal has ended.
type Error struct{ Signal syscall.Signal }

// Error names the signal.
func (e Error) Error() string { return "interrupted by " + unix.SignalName(e.Signal) }

// signals are those that would end the process and are sent on purpose.
var signals = []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPWR}

// A Guard takes this process's signals. Those the caller ignores, as under
// nohup(1), stay ignored, and a reader of our output that goes away is no
// reason to die half way.
type Guard struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	heard  chan os.Signal
	pipe   chan os.Signal

	mu   sync.Mutex // for what follows
	hold time.Duration
	held []syscall.Signal
	pass func(syscall.Signal)
}

// Watch begins. The first signal ends the context, with an [Error] as its
// cause. Stop must be called.
func Watch() (context.Context, *Guard) {
	g := &Guard{heard: make(chan os.Signal, 8), pipe: make(chan os.Signal, 1)}
	g.ctx, g.cancel = context.WithCancelCause(context.Background())
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(g.heard, s)
		}
	}
	signal.Notify(g.pipe, unix.SIGPIPE)
	go func() {
		for s := range g.heard {
			g.take(s.(syscall.Signal))
		}
	}()
	return g.ctx, g
}

func (g *Guard) take(s syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.pass != nil:
		g.pass(s)
	case g.hold != 0:
		g.held = append(g.held, s)
		time.AfterFunc(g.hold, func() { g.despair(s) })
	default:
		g.cancel(Error{s})
	}
}

// Hold lets signals wait from now on, for Pass; one that has waited for so long
// ends the context after all. The error is the [Error] of one that came before.
func (g *Guard) Hold(patience time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold = patience
	return context.Cause(g.ctx)
}

// despair ends the context for a signal nobody has taken.
func (g *Guard) despair(s syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pass == nil {
		g.cancel(Error{s})
	}
}

// Pass gives to the signals that wait, and all that come until Stop.
func (g *Guard) Pass(to func(syscall.Signal)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.held {
		to(s)
	}
	g.held, g.pass = nil, to
}

// Stop gives the process its signals back.
func (g *Guard) Stop() {
	signal.Stop(g.heard)
	signal.Stop(g.pipe)
	close(g.heard)
	g.cancel(nil)
}
