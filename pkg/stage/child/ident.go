package child

import (
	"errors"

	"gantry/pkg/capability"
	"gantry/pkg/forkexec"
	"gantry/pkg/hook"
	"gantry/pkg/lsm"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

func (b *build) wait(s plan.Step) error {
	if s.Stage == "go" {
		b.p.Report("wait", Arrived, forkexec.Int(0))
	}
	b.p.Barrier(b.barrier)
	return nil
}

// unshare makes a namespace that could not be made at birth.
func (b *build) unshare(s plan.Step) error {
	p := b.p
	if s.Stage != "time" {
		kind := map[string]uint64{"cgroup": unix.CLONE_NEWCGROUP, "net": unix.CLONE_NEWNET}[s.Stage]
		p.Call("unshare "+s.Stage, unix.SYS_UNSHARE, forkexec.Int(kind))
		return nil
	}
	// Offsets can be written as long as nobody is in the new namespace, and
	// unshare(2) puts only children there (time_namespaces(7)).
	p.Call("unshare time", unix.SYS_UNSHARE, forkexec.Int(unix.CLONE_NEWTIME))
	p.Scope(func() {
		if s.Source != "" {
			f := p.Reg()
			p.Open("/proc/self/timens_offsets", unix.O_WRONLY, 0).Into(f)
			p.Write(f, "timens_offsets", s.Source)
			p.Close(f)
		}
		ns := p.Reg()
		p.Open("/proc/self/ns/time_for_children", unix.O_RDONLY, 0).Into(ns)
		p.Setns("time", ns, unix.CLONE_NEWTIME)
		p.Close(ns)
	})
	return nil
}

// coreSched keeps other processes from the other hardware threads of a core
// while the container uses it. Where a core has but one nothing is to be done.
func (b *build) coreSched(plan.Step) error {
	const threadGroup = 1 // PIDTYPE_TGID
	b.p.Prctl("core scheduling", unix.PR_SCHED_CORE, forkexec.Int(unix.PR_SCHED_CORE_CREATE), forkexec.Int(0), forkexec.Int(threadGroup), forkexec.Int(0)).Tolerate(unix.ENODEV)
	return nil
}

func (b *build) becomeRoot(plan.Step) error {
	b.p.Call("setgroups", unix.SYS_SETGROUPS, forkexec.Int(0), forkexec.Int(0)).Tolerate(unix.EPERM) // denied by setgroups(7)
	b.p.Credentials(0, 0, nil)
	b.deathSignal(b.plan.Init.DeathSignal)
	return nil
}

func (b *build) hostname(s plan.Step) error {
	b.p.Call("sethostname", unix.SYS_SETHOSTNAME, b.p.String(s.Source), forkexec.Int(len(s.Source)))
	return nil
}

// hook runs a hook in the namespaces of the container and waits for it.
func (b *build) hook(s plan.Step) error {
	c := hook.Call{Hook: *s.Hook, Name: b.plan.Name, Version: b.plan.HookEnv.Version}
	if s.Stage == "start" {
		b.enclose()
		c.Hook.Env = b.told(c.Hook.Env)
	}
	b.p.Run(c.String(), c.Argv(), c.Env(b.in.HookEnv), func() {
		out := b.p.File(b.in.Output)
		b.p.Dup3(out, 1)
		b.p.Dup3(out, 2)
	})
	return nil
}

// keyring joins a new session keyring: the caller's would be the host's.
func (b *build) keyring(s plan.Step) error {
	if c := b.in.Keyring; c != (lsm.Change{}) {
		b.p.About(forkexec.About{Origin: b.in.LabelOrigin.String(), Step: b.step})
		b.p.Scope(func() {
			f := b.p.Reg()
			b.openLabel(f, c)
			b.p.Write(f, "attr/"+c.File, c.Text)
			b.p.Close(f)
		})
		b.p.About(forkexec.About{Origin: s.Origin.String(), Step: b.step})
	}
	b.p.Call("keyctl", unix.SYS_KEYCTL, forkexec.Int(unix.KEYCTL_JOIN_SESSION_KEYRING), forkexec.Int(0)).May()
	return nil
}

func (b *build) persona(plan.Step) error {
	b.p.Call("personality", unix.SYS_PERSONALITY, forkexec.Int(b.plan.Init.Personality))
	return nil
}

func (b *build) caps(plan.Step) error {
	for _, c := range capability.Dropped(b.plan.Init.Caps, capability.Last()).List() {
		b.p.Prctl("drop capability "+capability.Name(c), unix.PR_CAPBSET_DROP, forkexec.Int(c))
	}
	return nil
}

func (b *build) lsm(plan.Step) error {
	if c := b.in.Label; c != (lsm.Change{}) {
		b.p.About(forkexec.About{Origin: b.in.LabelOrigin.String(), Step: b.step})
		b.p.Write(b.label, c.Text, c.Text)
	}
	return nil
}

// openLabel opens the file that changes a label of this thread.
func (b *build) openLabel(f forkexec.Reg, c lsm.Change) {
	b.p.Open("/proc/thread-self/attr/"+c.File, unix.O_WRONLY, 0).Into(f)
}

// seccomp loads the filter. If it notifies, set-up gets the listener at once: the
// next call may be one that waits for it.
func (b *build) seccomp(plan.Step) error {
	switch {
	case len(b.in.Filter.Filter) == 0:
	case b.in.Filter.Notifies:
		b.p.PassListener(b.p.LoadFilter(b.in.Filter.Filter, b.in.Filter.Flags()), b.p.File(b.in.Socket))
	default:
		b.p.LoadFilter(b.in.Filter.Filter, b.in.Filter.Flags())
	}
	return nil
}

func (b *build) noNewPrivs(plan.Step) error {
	b.p.Prctl("no_new_privs", unix.PR_SET_NO_NEW_PRIVS, forkexec.Int(1), forkexec.Int(0), forkexec.Int(0), forkexec.Int(0))
	return nil
}

// stdio hands set-up the descriptors it waits for and gives the init its
// standard files: the console's pty, or what it was born with.
func (b *build) stdio(plan.Step) error {
	p := b.p
	if len(b.send) > 0 {
		p.SendFDs(p.File(b.in.Socket), b.send...)
	}
	if b.hasConsole() && (!b.plan.Console.FromHost || !b.plan.Daemon) {
		for i := range 3 {
			p.Dup3(b.slave, i)
		}
		p.Call("fchmod the console", unix.SYS_FCHMOD, b.slave, forkexec.Int(0o700)).May() // LXC's mode
		p.Call("chown the console", unix.SYS_FCHOWN, b.slave, forkexec.Int(b.plan.Init.UID), forkexec.Int(-1)).May()
	}
	return nil
}

// exec becomes the init's user and then the init.
func (b *build) exec(plan.Step) error {
	p, in := b.p, b.plan.Init
	if in.Kind == plan.MiniInit {
		return errors.New("this Gantry has no init of its own for lxc-execute yet")
	}
	if !b.enclosed {
		p.Call("setsid", unix.SYS_SETSID)
	}
	if in.Cwd != "" {
		p.About(forkexec.About{Origin: in.CwdOrigin.String(), Step: b.step})
		p.Scope(func() {
			d := p.Reg()
			p.Mkdir(d, b.root, in.Cwd, 0o755)
			p.Call("chdir "+in.Cwd, unix.SYS_FCHDIR, d)
			p.Close(d)
		})
	}
	p.About(forkexec.About{Origin: in.Origin.String(), Step: b.step})
	groups := forkexec.GroupsOf(p, in.Groups)
	p.Call("setgroups", unix.SYS_SETGROUPS, forkexec.Int(len(in.Groups)), groups).Tolerate(unix.EPERM)
	p.Credentials(in.UID, in.GID, nil)
	p.Prctl("clear ambient capabilities", unix.PR_CAP_AMBIENT, forkexec.Int(unix.PR_CAP_AMBIENT_CLEAR_ALL), forkexec.Int(0), forkexec.Int(0), forkexec.Int(0))
	b.deathSignal(in.DeathSignal)
	for i := range b.in.Listen {
		p.Keep(forkexec.Int(3 + i))
	}
	p.Exec(in.Argv, b.told(in.Env))
	return nil
}

// told adds the names of ttys that were not known when the plan was made.
func (b *build) told(env []string) []string {
	if b.in.TTYNames == "" {
		return env
	}
	return append(env[:len(env):len(env)], b.in.TTYNames)
}
