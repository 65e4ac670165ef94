package attach

import (
	"os"

	"gantry/pkg/capability"
	"gantry/pkg/forkexec"
	"gantry/pkg/lsm"
	"gantry/pkg/terminal"
	"golang.org/x/sys/unix"
)

// program is what the child does on its way to the command.
//
// Root of a container that has no id map may stop, inspect and trace every
// process it can see. So the child becomes visible, by entering the pid
// namespace, only once there is nothing left to take from it: no descriptor
// but the command's own, no right the container does not have.
func (v *visit) program(barrier *os.File) *forkexec.Program {
	p := forkexec.New()
	p.Stdio(os.Stdin, os.Stdout, os.Stderr)
	inherited := inheritedFiles()
	for _, f := range inherited {
		p.Inherit(f)
	}
	p.Prelude()
	p.Prctl("not dumpable", unix.PR_SET_DUMPABLE, forkexec.Int(0))
	wait := p.File(barrier)
	p.Barrier(wait)
	p.Close(wait)
	// In a user namespace that denies setgroups(2) they would stay the host's.
	p.Call("setgroups", unix.SYS_SETGROUPS, forkexec.Int(0), forkexec.Int(0)).May()
	proc := p.Reg()
	p.Open("/proc", unix.O_PATH|unix.O_DIRECTORY, 0).Into(proc) // the host's
	if v.join != 0 {
		init := p.File(v.pidfd)
		p.Setns("namespaces of "+v.Name, init, int(v.join))
		p.Close(init)
	}
	remounts := v.RemountSysProc && !v.hasNamespace(unix.CLONE_NEWNS)
	if remounts {
		// A new proc shows the pid namespace of who mounts it. This is also who
		// brings the host's tree along: there is nothing left to hide.
		v.enterPid(p)
		remount(p)
	}
	v.restrict(p)
	v.settle(p, proc)
	if !remounts {
		v.enterPid(p)
	}
	v.session(p)
	for _, f := range inherited {
		p.Keep(forkexec.Int(f.Fd()))
	}
	if len(v.Command) == 0 && v.argv[0] != fallbackShell {
		p.Try(v.argv, v.env)
		v.argv = []string{fallbackShell}
	}
	p.Exec(v.argv, v.env)
	return p
}

// restrict gives up what the container's own processes do not have.
func (v *visit) restrict(p *forkexec.Program) {
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
		p.Close(target)
		p.Close(mount)
	}
	p.Close(root)
}

// settle gives the command its directory, label, keyring, filter and user.
func (v *visit) settle(p *forkexec.Program, proc forkexec.Reg) {
	if cwd, err := os.Getwd(); err == nil && v.hasNamespace(unix.CLONE_NEWNS) {
		p.Call("chdir "+cwd, unix.SYS_CHDIR, p.String(cwd)).May()
	}
	if v.label != (lsm.Change{}) {
		attr := p.Reg()
		p.OpenAt(proc, "thread-self/attr/"+v.label.File, unix.O_WRONLY, 0).Into(attr)
		p.Write(attr, v.label.Text, v.label.Text)
		p.Close(attr)
	}
	p.Close(proc)
	if v.newKeyring {
		// The caller's session keyring is a set of secrets, and comes along.
		p.Call("keyctl", unix.SYS_KEYCTL, forkexec.Int(unix.KEYCTL_JOIN_SESSION_KEYRING), forkexec.Int(0)).May()
	}
	if v.noNewPrivs {
		p.Prctl("no_new_privs", unix.PR_SET_NO_NEW_PRIVS, forkexec.Int(1), forkexec.Int(0), forkexec.Int(0), forkexec.Int(0))
	}
	switch {
	case len(v.filter.Filter) == 0:
	case v.filter.Notifies:
		p.PassListener(p.LoadFilter(v.filter.Filter, v.filter.Flags()), p.File(v.theirs))
	default:
		p.LoadFilter(v.filter.Filter, v.filter.Flags())
	}
	p.Call("setgroups", unix.SYS_SETGROUPS, forkexec.Int(0), forkexec.Int(0)).May()
	p.Credentials(uint32(max(v.UID, 0)), uint32(max(v.GID, 0)), nil)
	if v.Elevated&ElevateCap == 0 {
		limit := p.LimitCapabilities(uint64(v.rights()))
		if len(v.filter.Filter) > 0 {
			limit.May() // the filter may forbid capset(2), and the exec does it all the same
		}
	}
}

// rights are the capabilities the child keeps up to its exec, which then gives
// the command what its user and the bounding set allow.
func (v *visit) rights() capability.Set {
	if v.UID > 0 {
		return 0
	}
	if v.hasNamespace(unix.CLONE_NEWUSER) {
		return v.bound // who joins a user namespace has all there
	}
	return v.bound & v.own
}

// enterPid goes on in a child, since only children enter a pid namespace that
// was joined; the child is ours, not the joiner's. clone(2) and not clone3(2):
// filters that list what is allowed do not always list the newer one.
func (v *visit) enterPid(p *forkexec.Program) {
	if !v.hasNamespace(unix.CLONE_NEWPID) {
		return
	}
	pid, child := p.Reg(), p.Label()
	zero := forkexec.Int(0)
	p.Call("clone", unix.SYS_CLONE, forkexec.Int(unix.CLONE_PARENT), zero, zero, zero, zero).Into(pid)
	p.JumpIfZero(pid, child)
	p.Report("attach", attached, pid)
	p.Exit(0)
	p.Place(child)
}

// session gives the command a session of its own, with its terminal if it has
// one. In the caller's it could type at the caller's terminal (/dev/tty,
// TIOCSTI) and kill the caller's process group.
func (v *visit) session(p *forkexec.Program) {
	p.Call("setsid", unix.SYS_SETSID)
	if v.pts == nil {
		return
	}
	pts := p.File(v.pts)
	p.Call("controlling terminal", unix.SYS_IOCTL, pts, forkexec.Int(unix.TIOCSCTTY), forkexec.Int(0))
	for fd := range 3 {
		if terminal.IsTerminal(fd) {
			p.Dup3(pts, fd)
		}
	}
}
