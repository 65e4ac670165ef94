package hook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"gantry/internal/log"
)

// Run calls the hook on the host and waits for it. Its output goes to the log,
// a line each, at level DEBUG; the last line it wrote is part of the error. The
// end of ctx kills it.
func (c Call) Run(ctx context.Context, env []string, l *log.Logger) error {
	argv := c.Argv()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = c.Env(env)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, w, w
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	l.Info("running ", c.String())
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c.Hook.Origin, c, err)
	}
	last := make(chan string, 1)
	go func() { last <- Drain(r, c.String(), l) }()
	err = cmd.Wait()
	// What the hook left running may keep the pipe open; its output is no
	// longer the hook's.
	r.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	return c.Failure(err, <-last)
}

// Failure is the error of a hook that ended with err after having written
// last; nil for a nil err.
func (c Call) Failure(err error, last string) error {
	if err == nil {
		return nil
	}
	what := err.Error()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		ws := exit.Sys().(syscall.WaitStatus)
		what = fmt.Sprintf("exited with status %d", ws.ExitStatus())
		if ws.Signaled() {
			what = "was killed by " + ws.Signal().String()
		}
	}
	if last != "" {
		what += ": " + last
	}
	return fmt.Errorf("%s: %s %s", c.Hook.Origin, c, what)
}

// Drain logs what comes out of r until its end and returns the last line that
// is not empty.
func Drain(r io.Reader, what string, l *log.Logger) (last string) {
	lines := bufio.NewReaderSize(r, 4096)
	for {
		line, _, err := lines.ReadLine()
		if err != nil {
			return last
		}
		if len(line) > 0 {
			last = string(line)
			l.Debug(what, ": ", last)
		}
	}
}
