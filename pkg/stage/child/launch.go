package child

import (
	"strconv"

	"gantry/pkg/forkexec"
	"gantry/pkg/handover"
	"gantry/pkg/lsm"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// cloneFlags are the CLONE_NEW* bits a birth creates. Cgroup and time
// namespaces come later: the one is taken from the cgroup the process is in,
// the other needs its offsets written first.
var cloneFlags = map[string]uint64{
	"user": unix.CLONE_NEWUSER,
	"mnt":  unix.CLONE_NEWNS,
	"pid":  unix.CLONE_NEWPID,
	"uts":  unix.CLONE_NEWUTS,
	"ipc":  unix.CLONE_NEWIPC,
	"net":  unix.CLONE_NEWNET,
}

// launch writes the launcher's part and returns the label of the init's.
func (b *build) launch() (forkexec.Label, error) {
	p, l := b.p, b.in.Launcher
	args := forkexec.CloneArgs{ExitSignal: uint64(unix.SIGCHLD)}
	shared := map[string]bool{}
	for _, ns := range b.plan.Namespaces {
		if ns.Share != "" {
			shared[ns.Kind] = true
			continue
		}
		args.Flags |= cloneFlags[ns.Kind]
	}
	if shared["user"] {
		// Namespaces made before the shared user namespace is joined would
		// not belong to it: birth makes them afterwards.
		args.Flags &= unix.CLONE_NEWPID
	}
	if l.Shim != nil {
		p.Call("setsid", unix.SYS_SETSID)
		p.Call("chdir /", unix.SYS_CHDIR, p.String("/"))
	} else {
		sibling(&args)
	}
	if b.in.Cgroup != nil {
		args.Flags |= unix.CLONE_INTO_CGROUP
		args.Cgroup = uint64(p.File(b.in.Cgroup))
	}
	pid := p.Reg()
	helped := shared["pid"] && l.Shim != nil
	switch {
	case helped:
		b.helper(pid, args)
	case shared["pid"]:
		// A launcher that only ends afterwards may join for its children.
		p.Setns("pid", p.File(b.in.Shared["pid"]), unix.CLONE_NEWPID)
		args.Flags &^= unix.CLONE_NEWPID
		p.Clone(pid, args)
	default:
		p.Clone(pid, args)
	}
	init := p.Label()
	p.JumpIfZero(pid, init)
	if !helped {
		p.Report("launch", InitPid, pid)
	}
	b.become(l)
	return init, nil
}

// sibling makes the clone a child of the caller's parent. Its exit signal is
// then the caller's own, and clone3(2) refuses another.
func sibling(args *forkexec.CloneArgs) {
	args.Flags |= unix.CLONE_PARENT
	args.ExitSignal = 0
}

// helper clones the init from a child that has joined the shared pid
// namespace: setns(2) moves only children there, and the launcher's own must
// stay where they are.
func (b *build) helper(pid forkexec.Reg, args forkexec.CloneArgs) {
	p := b.p
	helper, code := p.Reg(), p.Reg()
	done, fine, init := p.Label(), p.Label(), p.Label()
	status := p.Bytes(make([]byte, 8))
	child := p.Fork(helper, 0)
	p.Call("wait for the helper", unix.SYS_WAIT4, helper, status, forkexec.Int(0), forkexec.Int(0))
	p.Load32(code, status)
	p.JumpIfZero(code, fine)
	p.Fail("the launcher's helper", forkexec.WaitStatus, code)
	p.Place(fine)
	p.Call("note the helper", unix.SYS_GETPID).Into(pid) // not 0: this is not the init
	p.Jump(done)
	p.Place(child)
	p.Setns("pid", p.File(b.in.Shared["pid"]), unix.CLONE_NEWPID)
	args.Flags &^= unix.CLONE_NEWPID
	sibling(&args)
	p.Clone(pid, args)
	p.JumpIfZero(pid, init)
	p.Report("launch", InitPid, pid)
	p.Exit(0)
	p.Place(init)
	p.Place(done)
}

// ShimMask are the signals a process blocks before it executes lxc-shim: all
// but those a fault raises. The Go runtime keeps what is blocked at its start
// blocked on all its threads, and the shim reads signals as data.
const ShimMask = ^uint64(1<<(unix.SIGBUS-1) | 1<<(unix.SIGILL-1) | 1<<(unix.SIGSEGV-1))

// become ends the launcher: as the shim, or at all.
func (b *build) become(l Launcher) {
	p := b.p
	if l.Shim == nil {
		p.Report("launch", Finished, forkexec.Int(0))
		p.Exit(0)
		return
	}
	p.SignalMask(ShimMask)
	null := p.File(b.in.Null)
	for i := range 3 {
		p.Dup3(null, i)
	}
	socket := p.File(l.Socket)
	p.Keep(socket)
	p.ExecFD("lxc-shim", p.File(l.Shim), l.Argv, append([]string{handover.Env + strconv.Itoa(int(socket))}, l.Env...))
}

// birth is what comes before the plan's first step: the end of the launcher
// must be the end of the init, and shared namespaces are joined.
func (b *build) birth() error {
	p := b.p
	p.About(forkexec.About{Step: -1})
	b.deathSignal(b.plan.Init.DeathSignal)
	b.hide()
	var late uint64
	userShared := false
	for _, ns := range b.plan.Namespaces {
		switch {
		case ns.Share == "":
			late |= cloneFlags[ns.Kind]
		case ns.Kind == "pid":
		default:
			p.About(forkexec.About{Origin: ns.Origin.String(), Step: -1})
			joined := p.File(b.in.Shared[ns.Kind])
			p.Setns(ns.Kind, joined, 0)
			p.Close(joined)
			userShared = userShared || ns.Kind == "user"
		}
	}
	if userShared {
		p.Credentials(0, 0, nil)
		if late &^= unix.CLONE_NEWPID; late != 0 {
			p.Call("unshare", unix.SYS_UNSHARE, forkexec.Int(late))
		}
		b.deathSignal(b.plan.Init.DeathSignal)
	}
	if b.in.Label != (lsm.Change{}) {
		// Only the thread itself may write it, and the host's /proc will be
		// out of reach by then.
		p.About(forkexec.About{Origin: b.in.LabelOrigin.String(), Step: -1})
		b.label = p.Reg()
		b.openLabel(b.label, b.in.Label)
	}
	return nil
}

func (b *build) deathSignal(signal int) {
	if signal != 0 {
		b.p.Prctl("parent-death signal", unix.PR_SET_PDEATHSIG, forkexec.Int(signal))
	}
}

// verbs carries out the kinds of steps.
var verbs = map[plan.Op]verb{
	plan.OpWait:      (*build).wait,
	plan.OpCoreSched: (*build).coreSched,
	plan.OpUnshare:   (*build).unshare,
	plan.OpBecome:    (*build).becomeRoot,
	plan.OpSlave:     (*build).slaveTree,
	plan.OpRootfs:    (*build).mountRootfs,
	plan.OpHostname:  (*build).hostname,
	plan.OpMkdir:     (*build).mkdir,
	plan.OpMount:     (*build).mount,
	plan.OpMknod:     (*build).mknod,
	plan.OpSymlink:   (*build).symlink,
	plan.OpDevpts:    (*build).mountDevpts,
	plan.OpConsole:   (*build).console,
	plan.OpTTYs:      (*build).ttys,
	plan.OpHook:      (*build).hook,
	plan.OpPivot:     (*build).pivot,
	plan.OpNetwork:   (*build).wait,
	plan.OpKeyring:   (*build).keyring,
	plan.OpPersona:   (*build).persona,
	plan.OpSysctl:    (*build).sysctl,
	plan.OpBootID:    (*build).bootID,
	plan.OpShmounts:  (*build).shmounts,
	plan.OpCgroups:   (*build).cgroups,
	plan.OpCaps:      (*build).caps,
	plan.OpLSM:       (*build).lsm,
	plan.OpSeccomp:   (*build).seccomp,
	plan.OpNoNewPriv: (*build).noNewPrivs,
	plan.OpStdio:     (*build).stdio,
	plan.OpExec:      (*build).exec,
}
