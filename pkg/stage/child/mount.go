package child

import (
	"strings"

	"gantry/pkg/forkexec"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// superFlags are the MS_* bits that belong to a superblock, by the names
// fsconfig(2) takes.
var superFlags = []struct {
	bit  uint64
	name string
}{
	{unix.MS_RDONLY, "ro"},
	{unix.MS_SYNCHRONOUS, "sync"},
	{unix.MS_DIRSYNC, "dirsync"},
	{unix.MS_MANDLOCK, "mand"},
	{unix.MS_LAZYTIME, "lazytime"},
}

// mount carries out any of the mounts a step can describe: a new file system,
// a bind, a move, or a change of what is mounted.
func (b *build) mount(s plan.Step) error {
	p := b.p
	p.Scope(func() {
		b.create(s)
		if s.Options.Remount {
			b.remount(s)
			return
		}
		m := p.Reg()
		b.source(m, s)
		b.attributes(s.Path, m, s.Options)
		b.attach(m, s)
	})
	return nil
}

// create makes the mount point, if the step says so.
func (b *build) create(s plan.Step) {
	switch s.Options.Create {
	case "dir":
		d := b.p.Reg()
		b.p.Mkdir(d, b.at(s), s.Path, 0o755)
		b.p.Close(d)
	case "file":
		b.p.Create(b.at(s), s.Path, 0)
	}
}

// source leaves in m what the step mounts: a detached mount, or for a move the
// attached one.
func (b *build) source(m forkexec.Reg, s plan.Step) {
	p, o := b.p, s.Options
	switch {
	case b.in.Mounts[b.step] != nil:
		b.dup(m, b.in.Mounts[b.step])
	case o.Move:
		b.open(m, s)
	case o.Bind && s.Relative:
		from := p.Reg()
		b.open(from, s)
		p.CloneMountOf(s.Source, from, o.Recursive).Into(m)
		p.Close(from)
	case o.Bind:
		p.CloneMount(cwd, s.Source, o.Recursive).Into(m)
	default:
		p.NewMount(m, s.FSType, options(s), 0)
	}
}

// open leaves a descriptor of the step's source path in r.
func (b *build) open(r forkexec.Reg, s plan.Step) {
	if s.Relative {
		b.p.OpenIn(b.root, s.Source, unix.O_PATH, 0).Into(r)
		return
	}
	b.p.Open(s.Source, unix.O_PATH, 0).Into(r)
}

// options are what fsconfig(2) is told for a new superblock.
func options(s plan.Step) []forkexec.FSOption {
	var list []forkexec.FSOption
	if s.Source != "" {
		list = append(list, forkexec.FSOption{Key: "source", Value: s.Source})
	}
	return append(append(list, superOptions(s.Options)...), dataOptions(s.Options.Data)...)
}

func superOptions(o plan.MountOptions) (list []forkexec.FSOption) {
	for _, f := range superFlags {
		if o.SuperFlags&f.bit != 0 {
			list = append(list, forkexec.FSOption{Key: f.name})
		}
	}
	return list
}

func dataOptions(data string) (list []forkexec.FSOption) {
	for word := range strings.SplitSeq(data, ",") {
		if key, value, _ := strings.Cut(word, "="); key != "" {
			list = append(list, forkexec.FSOption{Key: key, Value: value})
		}
	}
	return list
}

// attributes sets the mount's own flags, and then how it propagates: the
// kernel takes the two in separate calls when they differ in depth.
func (b *build) attributes(what string, m forkexec.Arg, o plan.MountOptions) {
	b.p.SetMountAttr(what, m, forkexec.MountAttr{Set: o.Set, Clear: o.Clear}, false)
	b.p.SetMountAttr(what, m, forkexec.MountAttr{Propagation: o.Propagation &^ unix.MS_REC}, o.Propagation&unix.MS_REC != 0)
}

// attach puts the mount m on the step's path and closes it.
func (b *build) attach(m forkexec.Reg, s plan.Step) {
	b.place(m, s)
	b.p.Close(m)
}

// place puts the mount m on the step's path.
func (b *build) place(m forkexec.Reg, s plan.Step) {
	p := b.p
	target := p.Reg()
	p.OpenIn(b.at(s), s.Path, unix.O_PATH, 0).Into(target)
	p.MoveMount("on "+s.Path, m, target)
	p.Close(target)
}

// remount changes a mount that is there: its flags, and its superblock unless
// it is a bind.
func (b *build) remount(s plan.Step) {
	p := b.p
	m := p.Reg()
	p.OpenIn(b.at(s), s.Path, unix.O_PATH, 0).Into(m)
	if !s.Options.Bind && (s.Options.SuperFlags != 0 || s.Options.Data != "") {
		fs := p.Reg()
		p.Call("fspick "+s.Path, unix.SYS_FSPICK, m, p.String(""), forkexec.Int(unix.FSPICK_CLOEXEC|unix.FSPICK_EMPTY_PATH)).Into(fs)
		p.Configure(fs, s.Path, append(superOptions(s.Options), dataOptions(s.Options.Data)...))
		p.Call("remount "+s.Path, unix.SYS_FSCONFIG, fs, forkexec.Int(unix.FSCONFIG_CMD_RECONFIGURE), forkexec.Int(0), forkexec.Int(0), forkexec.Int(0))
		p.Close(fs)
	}
	b.attributes(s.Path, m, s.Options)
	p.Close(m)
}

// cgroups carries out the mounts this host's layout asks for.
func (b *build) cgroups(plan.Step) error {
	for _, s := range b.in.CgroupMounts {
		if err := b.emit(b.step, s); err != nil {
			return err
		}
	}
	return nil
}
