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
	"gantry/pkg/capability"
	"gantry/pkg/cgroup"
	"gantry/pkg/forkexec"
	"gantry/pkg/lsm"
	"gantry/pkg/rlimit"
	"gantry/pkg/terminal"
	"gantry/pkg/terminal/session"
	"golang.org/x/sys/unix"
)

// attached is the record that tells the pid of the command.
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
	signal.Ignore(unix.SIGINT, unix.SIGQUIT)
	w.Write([]byte{0})
	pid, err := v.follow(process)
	if err != nil {
		return execCode(err), err
	}
	if v.pts != nil {
		v.pts.Close()
		if err := v.carry(pid); err != nil {
			return 1, err
		}
	}
	return await(pid)
}

// admit puts the waiting child into the container's cgroups and under its
// limits.
func (v *visit) admit(pid int) error {
	if len(v.cgroups) > 0 {
		if err := cgroup.Join(v.cgroups, pid, v.leaf != nil); err != nil {
			return err
		}
	}
	cfg, err := v.Config()
	if err != nil {
		return err
	}
	for _, l := range cfg.Prlimit {
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

// follow reads the child's records up to its exec. The pid is that of the
// process which is the command.
func (v *visit) follow(process *forkexec.Process) (pid int, err error) {
	pid = process.Pid
	for {
		record, err := process.Next()
		switch {
		case err == io.EOF:
			return pid, nil
		case err != nil:
			return 0, err
		case record.Kind == attached:
			pid = int(record.Value)
			process.Process.Wait() // the one in between
		case record.Kind != forkexec.Execute:
			await(pid)
			return 0, record.Err()
		}
	}
}

// execCode is the exit code of an attach that failed in the child.
func execCode(err error) int {
	var call *forkexec.CallError
	if !errors.As(err, &call) || len(call.Call) < 8 || call.Call[:8] != "execute " {
		return 1
	}
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
func (v *visit) carry(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return sys.CallError("pidfd_open", err)
	}
	child := os.NewFile(uintptr(fd), "pidfd")
	defer child.Close()
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

// program is what the child does on its way to the command.
func (v *visit) program(barrier *os.File) *forkexec.Program {
	p := forkexec.New()
	p.Stdio(os.Stdin, os.Stdout, os.Stderr)
	inherited := inheritedFiles()
	for _, f := range inherited {
		p.Inherit(f)
	}
	p.Prelude()
	// Nobody in the container may look at this process before it is theirs.
	p.Prctl("not dumpable", unix.PR_SET_DUMPABLE, forkexec.Int(0))
	p.Barrier(p.File(barrier))
	proc := p.Reg()
	p.Open("/proc", unix.O_PATH|unix.O_DIRECTORY, 0).Into(proc) // the host's
	if v.join != 0 {
		p.Setns("namespaces of "+v.Name, p.File(v.pidfd), int(v.join))
	}
	v.enterPid(p)
	v.restrict(p)
	v.settle(p, proc)
	for _, f := range inherited {
		p.Keep(forkexec.Int(f.Fd()))
	}
	p.Exec(v.argv, v.env, searchPath(v.env))
	return p
}

// enterPid goes on in a child, since only children enter a pid namespace that
// was joined; the child is ours, not the joiner's.
func (v *visit) enterPid(p *forkexec.Program) {
	if !v.hasNamespace(unix.CLONE_NEWPID) {
		return
	}
	pid, child := p.Reg(), p.Label()
	p.Clone(pid, forkexec.CloneArgs{Flags: unix.CLONE_PARENT})
	p.JumpIfZero(pid, child)
	p.Report("attach", attached, pid)
	p.Exit(0)
	p.Place(child)
}

// restrict gives up what the container's own processes do not have.
func (v *visit) restrict(p *forkexec.Program) {
	if v.RemountSysProc && !v.hasNamespace(unix.CLONE_NEWNS) {
		remount(p)
	}
	if v.Arch >= 0 {
		p.Call("personality", unix.SYS_PERSONALITY, forkexec.Int(v.Arch))
	}
	if v.Elevated&ElevateCap == 0 {
		for _, c := range (capability.All(capability.Last()) &^ v.bound).List() {
			p.Prctl("drop capability "+capability.Name(c), unix.PR_CAPBSET_DROP, forkexec.Int(c))
		}
	}
}

// remount gives the command /proc and /sys of the namespaces it has joined, in
// a mount namespace of its own.
func remount(p *forkexec.Program) {
	p.Call("unshare mnt", unix.SYS_UNSHARE, forkexec.Int(unix.CLONE_NEWNS))
	root := p.Reg()
	p.Open("/", unix.O_PATH|unix.O_DIRECTORY, 0).Into(root)
	p.SetMountAttr("/", root, forkexec.MountAttr{Propagation: unix.MS_SLAVE}, true)
	for _, fs := range [][2]string{{"proc", "proc"}, {"sysfs", "sys"}} {
		mount, target := p.Reg(), p.Reg()
		p.NewMount(mount, fs[0], nil, 0)
		p.OpenIn(root, fs[1], unix.O_PATH|unix.O_DIRECTORY, 0).Into(target)
		p.MoveMount("on /"+fs[1], mount, target)
	}
}

// settle gives the command its terminal, directory, label, filter and user.
func (v *visit) settle(p *forkexec.Program, proc forkexec.Reg) {
	if cwd, err := os.Getwd(); err == nil && v.hasNamespace(unix.CLONE_NEWNS) {
		p.Call("chdir "+cwd, unix.SYS_CHDIR, p.String(cwd)).May()
	}
	if v.pts != nil {
		pts := p.File(v.pts)
		p.Call("setsid", unix.SYS_SETSID)
		p.Call("controlling terminal", unix.SYS_IOCTL, pts, forkexec.Int(unix.TIOCSCTTY), forkexec.Int(0))
		for fd := range 3 {
			if terminal.IsTerminal(fd) {
				p.Dup3(pts, fd)
			}
		}
	}
	if v.label != (lsm.Change{}) {
		attr := p.Reg()
		p.OpenAt(proc, "thread-self/attr/"+v.label.File, unix.O_WRONLY, 0).Into(attr)
		p.Write(attr, v.label.Text, v.label.Text)
	}
	if v.noNewPrivs {
		p.Prctl("no_new_privs", unix.PR_SET_NO_NEW_PRIVS, forkexec.Int(1), forkexec.Int(0), forkexec.Int(0), forkexec.Int(0))
	}
	if len(v.filter.Filter) > 0 {
		p.LoadFilter(v.filter.Filter, int(v.filter.Flags()))
	}
	p.Call("setgroups", unix.SYS_SETGROUPS, forkexec.Int(0), forkexec.Int(0)).May()
	p.Credentials(uint32(max(v.UID, 0)), uint32(max(v.GID, 0)), nil)
}

// searchPath is where the command is looked for.
func searchPath(env []string) string {
	const standard = "/bin:/usr/bin"
	for _, e := range env {
		if len(e) > 5 && e[:5] == "PATH=" {
			return e[5:]
		}
	}
	return standard
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
