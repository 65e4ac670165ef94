package attach

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"gantry/internal/sys"
	"gantry/pkg/cgroup"
	"gantry/pkg/forkexec"
	"gantry/pkg/rlimit"
	"gantry/pkg/terminal"
	"gantry/pkg/terminal/session"
	"golang.org/x/sys/unix"
)

// attached is the report that tells the pid of the command.
const attached = forkexec.First

// run lets the command run and waits for its end.
func (v *visit) run() (code int, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 1, err
	}
	defer r.Close()
	defer w.Close()
	p := v.program(r)
	attr := &syscall.SysProcAttr{}
	if v.leaf != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(v.leaf.Fd())
	}
	process, err := p.Start(attr)
	if err != nil {
		return 1, err
	}
	defer process.Close()
	if err := v.admit(process.Pid); err != nil {
		process.Process.Kill()
		process.Process.Wait()
		return 1, err
	}
	// From here on the terminal's signals are the command's.
	caught := catch()
	w.Write([]byte{0})
	v.passCalls()
	pid, code, err := follow(process, caught)
	if err != nil {
		return code, err
	}
	if err := v.attend(pid, caught); err != nil {
		return 1, err
	}
	return await(pid)
}

// attend does what has to be done while the command runs: it passes on what is
// typed and shown, or only the signals.
func (v *visit) attend(pid int, caught chan os.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return sys.CallError("pidfd_open", err)
	}
	child := os.NewFile(uintptr(fd), "pidfd")
	defer child.Close()
	if v.pts == nil {
		return relay(pid, child, caught)
	}
	// The keys arrive there, and the session sees to the other signals.
	signal.Ignore(unix.SIGINT, unix.SIGQUIT)
	signal.Stop(caught)
	for len(caught) > 0 {
		if sig := <-caught; sig == unix.SIGTERM || sig == unix.SIGHUP {
			session.Raise(sig.(unix.Signal))
		}
	}
	v.pts.Close()
	return v.carry(child)
}

// admit puts the waiting child into the container's cgroups and under its
// limits.
func (v *visit) admit(pid int) error {
	if len(v.cgroups) > 0 {
		if err := cgroup.Join(v.cgroups, pid, v.leaf != nil); err != nil {
			return err
		}
	}
	for _, l := range v.cfg.Prlimit {
		resource, err := rlimit.Resource(l.Name)
		if err == nil {
			err = rlimit.Set(pid, resource, l.V.Soft, l.V.Hard)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.Origin, err)
		}
	}
	return nil
}

// follow reads the child's reports up to its exec. The pid is that of the
// process which is the command; the code belongs to an error. A signal ends
// both: a frozen container, or who traces the child, may keep it from its exec
// for ever.
func follow(process *forkexec.Process, caught <-chan os.Signal) (pid, code int, err error) {
	reports, end := listen(process)
	pid = process.Pid
	for executing := false; ; {
		select {
		case sig := <-caught:
			if sig == unix.SIGTSTP {
				unix.Kill(os.Getpid(), unix.SIGSTOP)
				continue
			}
			process.Process.Kill()
			unix.Kill(pid, unix.SIGKILL)
			session.Raise(sig.(unix.Signal))
		case err := <-end:
			return pid, 1, err
		case report := <-reports:
			switch report.Kind {
			case forkexec.Execute:
				executing = true
			case attached:
				pid = int(report.Value)
				go process.Process.Wait() // the one in between
				// Root inside can write into the pipe, and say anything.
				if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil {
					return 0, 1, fmt.Errorf("process %d is not the command's: %w", pid, err)
				}
			default:
				await(pid)
				if err = report.Err(); executing {
					return 0, execCode(err), err
				}
				return 0, 1, err
			}
		}
	}
}

// listen passes the child's reports on. Their end comes with the exec, and is
// nil.
func listen(process *forkexec.Process) (<-chan forkexec.Report, <-chan error) {
	reports, end := make(chan forkexec.Report), make(chan error, 1)
	go func() {
		for {
			report, err := process.Next()
			switch err {
			case nil:
				reports <- report
			case io.EOF:
				end <- nil
				return
			default:
				end <- err
				return
			}
		}
	}()
	return reports, end
}

// execCode is the exit code of a command that could not be executed.
func execCode(err error) int {
	switch {
	case errors.Is(err, unix.ENOENT):
		return 127
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOEXEC):
		return 126
	}
	return 255
}

// carry joins the caller's terminal to the command's pty until the command
// ends.
func (v *visit) carry(child *os.File) error {
	s := session.Session{Ptx: v.ptx, Child: child, Ignore: []os.Signal{unix.SIGINT, unix.SIGQUIT}}
	if terminal.IsTerminal(0) {
		s.In = os.Stdin
	}
	if s.Out = os.Stdout; !terminal.IsTerminal(1) {
		s.Out = nil
		if terminal.IsTerminal(2) {
			s.Out = os.Stderr
		}
	}
	if v.log != nil {
		s.Copy = v.log
	}
	result, err := s.Run()
	if err == nil && result.End == session.Signaled {
		session.Raise(result.Signal)
	}
	return err
}

// await waits for the command and gives the code a shell would.
func await(pid int) (code int, err error) {
	var status unix.WaitStatus
	err = sys.Retry(func() error { _, err := unix.Wait4(pid, &status, 0, nil); return err })
	if err != nil {
		return 1, sys.CallError("wait4", err)
	}
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

// inheritedFiles are the descriptors above 2 the caller gave this tool, for
// its command: the tool's own are all close-on-exec.
func inheritedFiles() (files []*os.File) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd < 3 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			files = append(files, os.NewFile(uintptr(fd), "inherited"))
		}
	}
	return files
}
