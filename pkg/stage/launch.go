package stage

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"gantry/internal/sys"
	"gantry/pkg/forkexec"
	"gantry/pkg/handover"
	"gantry/pkg/hook"
	"gantry/pkg/stage/child"
	"golang.org/x/sys/unix"
)

// build makes the pipes between set-up and child and writes the program.
func (r *run) build() (err error) {
	r.newborn = newborn{log: r.Log, steps: r.plan.Steps, reports: make(chan forkexec.Report, 16), arrived: make(chan struct{}, 1)}
	if r.in.Barrier, r.barrier, err = r.pipe(); err != nil {
		return err
	}
	if r.in.Socket, r.socket, err = r.socketPair(); err != nil {
		return err
	}
	output, w, err := r.pipe()
	if err != nil {
		return err
	}
	r.in.Null, r.in.Output = r.null, w
	r.last = r.drain(output)
	r.in.HookEnv = hook.Merge(r.Environ, r.plan.HookEnv.Static, r.plan.HookEnv.Child)
	if r.plan.Daemon && !r.sibling {
		if err := r.shimFromLauncher(); err != nil {
			return err
		}
	}
	r.program, err = child.Build(r.plan, &r.in)
	return err
}

// drain logs the output of the child's hooks. It gives a function that waits for
// its end, but not long, and tells the last line.
func (r *run) drain(output *os.File) func() string {
	last := make(chan string, 1)
	go func() { last <- hook.Drain(output, "hook", r.Log) }()
	return func() string {
		select {
		case line := <-last:
			return line
		case <-time.After(100 * time.Millisecond):
			return ""
		}
	}
}

// shimEnv is all the shim wants of an environment. That of the caller, which
// hooks want, would cost it twice its size in memory; lxc-stage has it from the
// record. A collection at the first megabyte of garbage, not at four, costs it
// nothing that counts: there is hardly anything else in its memory.
var shimEnv = []string{"GOMAXPROCS=1", "GOGC=25"}

// shimFromLauncher lets the launcher become the shim.
func (r *run) shimFromLauncher() error {
	shim, err := os.OpenFile(r.Shim, unix.O_PATH, 0)
	if err != nil {
		return fmt.Errorf("%w (is Gantry installed whole?)", err)
	}
	r.closeLater(shim)
	if r.shimEnd, r.control, err = r.socketPair(); err != nil {
		return err
	}
	r.in.Launcher = child.Launcher{
		Shim:   shim,
		Argv:   []string{"[lxc monitor] " + r.plan.LXCPath + " " + r.plan.Name},
		Env:    shimEnv,
		Socket: r.shimEnd,
	}
	return nil
}

// launch starts the program and waits for the birth of the init.
func (r *run) launch() (err error) {
	attr := &syscall.SysProcAttr{}
	if r.sibling {
		attr.Cloneflags = unix.CLONE_PARENT
	}
	if err := r.bornIn(attr); err != nil {
		return err
	}
	if r.process, err = r.program.Start(attr); err != nil {
		return err
	}
	r.closeLater(r.process)
	// What the child alone shall hold, so that the pipes end with it.
	for _, f := range []*os.File{r.in.Launcher.Socket, r.in.Barrier, r.in.Socket, r.in.Output} {
		f.Close()
	}
	go r.read()
	return r.awaitBirth()
}

// awaitBirth waits for the pid of the init. A launcher that is killed after the
// birth takes it into the grave, and the init, which no parent-death signal
// reaches yet, keeps the report pipe open.
func (r *run) awaitBirth() error {
	const patience = 100 * time.Millisecond
	for ended := false; ; {
		select {
		case report, ok := <-r.reports:
			if !ok {
				return errors.New("the init was killed at its birth")
			}
			if report.Kind == child.InitPid {
				return r.cause(r.born(int(report.Value)))
			}
			if err := r.note(report); err != nil {
				return err
			}
		case <-time.After(patience):
			if ended { // and has not told us before, either
				return errors.New("the launcher was killed")
			}
			ended = r.launcherEnded()
		}
	}
}

// born opens what the rest of the start needs of the new process. It cannot be
// gone: it waits for us, or is a zombie until its parent, the shim, reaps it.
func (r *run) born(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return sys.CallError("pidfd_open", err)
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	r.closeLater(pidfd)
	if err := r.verify(pid); err != nil {
		return err
	}
	r.pid, r.pidfd = pid, pidfd
	r.facts = append(r.facts, pidFact(pid))
	r.files[handover.Init] = r.pidfd
	if r.hasHooks("stop") {
		// A start that fails from here on runs them too.
		if err := r.keepNamespaces(false); err != nil {
			return err
		}
	}
	r.spawnTasks()
	return nil
}

// verify makes sure that it was the launcher who told us of the process. In a
// pid namespace of others, root there can open the init's end of the pipe and
// name another process first, for us to take for the init.
func (r *run) verify(pid int) error {
	if r.makes("pid") {
		return nil
	}
	parent, err := sys.ParentOf(pid)
	if err == nil && parent != r.monitor() {
		err = fmt.Errorf("process %d is not the init", pid)
	}
	return err
}

// kill ends everything the start gave birth to and waits for its end.
func (r *run) kill() {
	if r.pidfd != nil {
		unix.PidfdSendSignal(int(r.pidfd.Fd()), unix.SIGKILL, nil, 0)
	}
	if r.process == nil {
		return
	}
	// The init dies with the launcher (parent-death signal), or is dead.
	r.process.Process.Kill()
	r.process.Process.Wait()
	r.barrier.Close() // of an init that nobody has told us of
	if r.control != nil {
		r.control.Close()
	}
	if r.pidfd != nil && !r.plan.Daemon && !r.sibling {
		unix.Waitid(unix.P_PIDFD, int(r.pidfd.Fd()), nil, unix.WEXITED, nil)
	}
}

func (r *run) pipe() (reader, writer *os.File, err error) {
	reader, writer, err = os.Pipe()
	if err == nil {
		r.open.Add(func() { reader.Close(); writer.Close() })
	}
	return reader, writer, err
}

func (r *run) socketPair() (a, b *os.File, err error) {
	a, b, err = sys.SocketPair()
	if err == nil {
		r.open.Add(func() { a.Close(); b.Close() })
	}
	return a, b, err
}
