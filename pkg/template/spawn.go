package template

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
	"gantry/pkg/forkexec"
	"gantry/pkg/plan"
)

// A child is a program in a mount and a pid namespace of its own, with all that
// comes of it: when it ends, or this process does, however that happens, all of
// them have.
type child struct {
	path   string // of the program
	argv   []string
	env    []string
	files  [3]*os.File
	idmap  []plan.IDMap              // not nil: in a user namespace too
	flags  uintptr                   // further CLONE_NEW* namespaces
	inside func(p *forkexec.Program) // what the init of the pid namespace does first; nil for nothing
	mount  func() error              // prepares the mounts, on a thread with a mount namespace of its own
}

// run starts the program and waits for it. When ctx is done it is killed.
func (c child) run(ctx context.Context) error {
	done := make(chan error, 1)
	ownThread(func() { done <- c.wait(ctx) })
	return <-done
}

// ownThread runs f on a thread that ends with it, so that f may change what
// belongs to the thread: its mount namespace, its directory, being the parent
// whose death kills a child. The main thread stays as it is: it stands for the
// process in /proc/self.
func ownThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		defer runtime.UnlockOSThread()
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
			f()
		}()
		<-done
	}()
}

func (c child) wait(ctx context.Context) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return sys.CallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return sys.PathError("mount", "/", err)
	}
	if c.mount != nil {
		if err := c.mount(); err != nil {
			return err
		}
	}
	gate, open, err := os.Pipe()
	if err != nil {
		return err
	}
	defer gate.Close()
	defer open.Close()
	process, err := c.program(gate).Start(c.attr())
	if err != nil {
		return fmt.Errorf("%s: %w", c.name(), err)
	}
	defer process.Close()
	stop := context.AfterFunc(ctx, func() { process.Process.Kill() })
	defer stop()
	if _, err := open.Write([]byte{1}); err != nil {
		process.Process.Kill()
	}
	for {
		record, recordErr := process.Next()
		if recordErr != nil {
			break
		}
		if err != nil {
			continue
		}
		if err = record.Err(); record.Kind == forkexec.Failed {
			err = fmt.Errorf("%s: %w", c.name(), err)
		}
	}
	state, waitErr := process.Process.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case waitErr != nil:
		return waitErr
	case !state.Success():
		return fmt.Errorf("%s: %s", c.name(), state)
	}
	return nil
}

// name is the program's in errors.
func (c child) name() string { return filepath.Base(c.argv[0]) }

// attr makes the child die with this thread. The pipe it waits at first tells
// it that the thread has died before.
func (c child) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: c.flags | unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if len(c.idmap) == 0 {
		return attr
	}
	attr.Cloneflags |= unix.CLONE_NEWUSER
	attr.GidMappingsEnableSetgroups = true
	attr.Credential = &syscall.Credential{}
	for _, m := range c.idmap {
		line := syscall.SysProcIDMap{ContainerID: int(m.Inside), HostID: int(m.Host), Size: int(m.Count)}
		if m.Kind == 'u' {
			attr.UidMappings = append(attr.UidMappings, line)
		} else {
			attr.GidMappings = append(attr.GidMappings, line)
		}
	}
	return attr
}

// program is the init of the pid namespace: it starts the program, collects
// whoever ends, and ends with the program, and so does whoever is left then.
func (c child) program(gate *os.File) *forkexec.Program {
	p := forkexec.New()
	p.Stdio(c.files[0], c.files[1], c.files[2])
	p.Barrier(p.File(gate))
	p.Prelude()
	if c.inside != nil {
		c.inside(p)
	}
	pid, ended, code, status := p.Reg(), p.Reg(), p.Reg(), p.Bytes(make([]byte, 8))
	child, wait, collected, fine := p.Label(), p.Label(), p.Label(), p.Label()
	p.Clone(pid, forkexec.CloneArgs{ExitSignal: uint64(unix.SIGCHLD), SetTID: uint64(c.number(p)), SetTIDSize: 1})
	p.JumpIfZero(pid, child)
	p.Place(wait)
	p.Call("wait", unix.SYS_WAIT4, forkexec.Int(-1), status, forkexec.Int(0), forkexec.Int(0)).Into(ended)
	p.Subtract(ended, ended, pid)
	p.JumpIfZero(ended, collected)
	p.Jump(wait)
	p.Place(collected)
	p.Load32(code, status)
	p.JumpIfZero(code, fine)
	p.Fail(c.name(), forkexec.WaitStatus, code)
	p.Place(fine)
	p.Exit(0)
	p.Place(child)
	c.execute(p)
	return p
}

// number is the pid the program gets in its namespace: ours. Templates call
// their temporary files after it, and two at the same time must not meet.
func (c child) number(p *forkexec.Program) forkexec.Ptr {
	pid := int32(max(os.Getpid(), 2)) // 1 is the init
	return forkexec.Struct(p, &pid)
}

func (c child) execute(p *forkexec.Program) {
	argv, env := p.Strings(c.argv), p.Strings(c.env)
	shell := p.Label()
	p.Call("execute", unix.SYS_EXECVE, p.String(c.path), argv, env).On(unix.ENOEXEC, shell)
	p.Place(shell) // a script without #!, as execvp(3) runs it
	p.Call("execute", unix.SYS_EXECVE, p.String("/bin/sh"), p.Strings(append([]string{"sh", c.path}, c.argv[1:]...)), env)
}

// captured runs the program with its output going to line, and adds the last
// lines to the error.
func (c child) captured(ctx context.Context, line func(string)) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	c.files[1], c.files[2] = w, w
	tail := make(chan []string, 1)
	go func() { tail <- readLines(r, line) }()
	err = c.run(ctx)
	w.Close()
	// Something may have been left running that holds the pipe.
	r.SetReadDeadline(time.Now().Add(time.Second))
	last := <-tail
	if err != nil && ctx.Err() == nil {
		return &outputError{err, last}
	}
	return err
}

// tailLines is how much of a failed program's output is shown.
const tailLines = 15

func readLines(r io.Reader, line func(string)) (tail []string) {
	for lines := bufio.NewReaderSize(r, 4096); ; {
		b, _, err := lines.ReadLine()
		if err != nil {
			return tail
		}
		text := string(b)
		if i := strings.LastIndexByte(text, '\r'); i >= 0 { // a progress bar
			text = text[i+1:]
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if tail = append(tail, text); len(tail) > tailLines {
			tail = tail[1:]
		}
		line(text)
	}
}

// outputError is a failed program with the last lines of its output.
type outputError struct {
	err  error
	tail []string
}

func (e *outputError) Error() string {
	if len(e.tail) == 0 {
		return e.err.Error()
	}
	return e.err.Error() + ": " + reason(e.tail)
}

// reason is the line that says most about a failure: the last, or where programs
// around apt-get(8) pass its complaint on in theirs, the first of them.
func reason(tail []string) string {
	const complaint = "E: "
	last := tail[len(tail)-1]
	if !strings.HasPrefix(last, complaint) {
		return last
	}
	return tail[slices.IndexFunc(tail, func(line string) bool { return strings.HasPrefix(line, complaint) })]
}

func (e *outputError) Unwrap() error { return e.err }

// Output gives the last lines a failed program of a recipe has written.
func Output(err error) []string {
	var o *outputError
	if errors.As(err, &o) {
		return o.tail
	}
	return nil
}
