package interrupt

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestInterrupted(t *testing.T) {
	ctx, g := Watch()
	defer g.Stop()
	unix.Kill(os.Getpid(), unix.SIGTERM)
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("SIGTERM does not end the context")
	}
	if got := context.Cause(ctx); got != (Error{unix.SIGTERM}) {
		t.Errorf("cause = %v; want %v", got, Error{unix.SIGTERM})
	}
	if err := g.Hold(time.Minute); !errors.Is(err, Error{unix.SIGTERM}) {
		t.Errorf("Hold after a signal = %v; want %v", err, Error{unix.SIGTERM})
	}
}

func TestHoldInVain(t *testing.T) {
	ctx, g := Watch()
	defer g.Stop()
	if err := g.Hold(10 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	unix.Kill(os.Getpid(), unix.SIGTERM)
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("SIGTERM does not end the context though nobody takes it")
	}
	if got := context.Cause(ctx); got != (Error{unix.SIGTERM}) {
		t.Errorf("cause = %v; want %v", got, Error{unix.SIGTERM})
	}
}

func TestHoldPass(t *testing.T) {
	ctx, g := Watch()
	defer g.Stop()
	if err := g.Hold(time.Minute); err != nil {
		t.Fatal(err)
	}
	got := make(chan syscall.Signal, 2)
	unix.Kill(os.Getpid(), unix.SIGHUP)
	for held := 0; held == 0; time.Sleep(time.Millisecond) {
		g.mu.Lock()
		held = len(g.held)
		g.mu.Unlock()
	}
	g.Pass(func(s syscall.Signal) { got <- s })
	unix.Kill(os.Getpid(), unix.SIGUSR1)
	if first, second := <-got, <-got; first != unix.SIGHUP || second != unix.SIGUSR1 {
		t.Errorf("passed %v, %v; want hangup and user defined signal 1", first, second)
	}
	if ctx.Err() != nil {
		t.Errorf("context ended by %v; want it to go on", context.Cause(ctx))
	}
}
