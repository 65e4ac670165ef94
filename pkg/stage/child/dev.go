package child

import (
	"os"
	"path"
	"strconv"

	"gantry/pkg/forkexec"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// hasConsole says whether the init gets a console pty at all.
func (b *build) hasConsole() bool { return b.plan.Console.Path != "none" }

// mountDevpts gives the container its own ptys: a new devpts instance with its
// multiplexer at /dev/ptmx.
func (b *build) mountDevpts(s plan.Step) error {
	p := b.p
	b.devpts = p.Reg()
	p.Scope(func() {
		d := p.Reg()
		p.Mkdir(d, b.root, "dev/pts", 0o755)
		p.NewMount(b.devpts, "devpts", options(s), 0)
		b.attributes("dev/pts", b.devpts, s.Options)
		p.MoveMount("on dev/pts", b.devpts, d)
		p.Close(d)
	})
	b.handOver("devpts", b.devpts)
	p.Scope(func() {
		link, done := p.Label(), p.Label()
		dir, base := b.beside(plan.Step{In: plan.Inside}, "dev/ptmx")
		m := p.Reg()
		p.Create(b.root, "dev/ptmx", 0)
		if !b.rootfs {
			// The host's own /dev: nothing in it may be replaced.
			p.CloneMount(b.devpts, "ptmx", false).Into(m)
			b.attach(m, plan.Step{In: plan.Inside, Path: "dev/ptmx"})
			p.Place(link)
			p.Close(dir)
			return
		}
		p.CloneMount(b.devpts, "ptmx", false).Else(link).Into(m)
		b.attach(m, plan.Step{In: plan.Inside, Path: "dev/ptmx"})
		p.Jump(done)
		p.Place(link)
		p.Call("unlink dev/ptmx", unix.SYS_UNLINKAT, dir, p.String(base), forkexec.Int(0)).May()
		p.Call("symlink dev/ptmx", unix.SYS_SYMLINKAT, p.String("pts/ptmx"), dir, p.String(base))
		p.Place(done)
		p.Close(dir)
	})
	return nil
}

// handOver notes a descriptor to be sent to set-up.
func (b *build) handOver(name string, fd forkexec.Reg) {
	b.names = append(b.names, name)
	b.send = append(b.send, b.p.KeepFD(fd))
}

// pty makes a pty of the container's devpts and hands its master over.
func (b *build) pty(name string, slave forkexec.Reg) {
	p := b.p
	ptx := p.Reg()
	p.OpenAt(b.devpts, "ptmx", unix.O_RDWR|unix.O_NOCTTY, 0).Into(ptx)
	p.Call("unlock "+name, unix.SYS_IOCTL, ptx, forkexec.Int(unix.TIOCSPTLCK), p.Bytes(make([]byte, 8)))
	p.Call("open "+name, unix.SYS_IOCTL, ptx, forkexec.Int(unix.TIOCGPTPEER), forkexec.Int(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)).Into(slave)
	b.handOver(name, ptx)
}

// console puts the console's pts on /dev/console. By lxc.pty.max it is one of
// the container's ptys or one of the host's.
func (b *build) console(s plan.Step) error {
	if !b.hasConsole() {
		return nil
	}
	p := b.p
	b.slave = p.Reg()
	mount := p.Reg()
	if b.plan.Console.FromHost {
		b.dup(b.slave, b.in.ConsoleSlave)
		if !b.rootfs {
			return nil
		}
		b.dup(mount, b.in.ConsoleMount)
		// What the container mounts over it must not come up on the host.
		p.SetMountAttr("console", mount, forkexec.MountAttr{Propagation: unix.MS_SLAVE}, false)
	} else {
		b.pty("console", b.slave)
		if b.in.Window != nil {
			p.Call("size of the console", unix.SYS_IOCTL, b.slave, forkexec.Int(unix.TIOCSWINSZ), forkexec.Struct(p, b.in.Window)).May()
		}
		if !b.rootfs {
			return nil
		}
		p.CloneMountOf("console", b.slave, false).Into(mount)
	}
	p.Scope(func() { b.terminal(mount, "console", true) })
	return nil
}

// ttys makes /dev/tty1 to /dev/ttyN.
func (b *build) ttys(plan.Step) error {
	for i := range b.plan.TTYs.Max {
		name := "tty" + strconv.Itoa(i+1)
		b.p.Scope(func() {
			mount := b.p.Reg()
			if b.in.TTYMounts != nil {
				b.dup(mount, b.in.TTYMounts[i])
			} else {
				slave := b.p.Reg()
				b.pty(name, slave)
				b.p.CloneMountOf(name, slave, false).Into(mount)
				b.p.Close(slave)
			}
			if b.rootfs {
				b.terminal(mount, name, false)
			}
		})
	}
	return nil
}

// dup leaves a descriptor of one of the inputs in r.
func (b *build) dup(r forkexec.Reg, f *os.File) {
	b.p.Call(f.Name(), unix.SYS_FCNTL, b.p.File(f), forkexec.Int(unix.F_DUPFD_CLOEXEC), forkexec.Int(3)).Into(r)
}

// terminal attaches the detached mount of a pts to /dev/NAME. With lxc.tty.dir
// it goes below there, and /dev/NAME is a second bind of it (the console,
// which programs open before they could follow a link) or a link.
func (b *build) terminal(mount forkexec.Reg, name string, bind bool) {
	p, dir := b.p, b.plan.TTYs.Dir
	if dir == "" {
		p.Create(b.root, "dev/"+name, 0)
		b.attach(mount, plan.Step{In: plan.Inside, Path: "dev/" + name})
		return
	}
	at := path.Join("dev", dir, name)
	p.Create(b.root, at, 0)
	b.place(mount, plan.Step{In: plan.Inside, Path: at})
	if bind {
		again := p.Reg() // before Linux 6.15 no copy of what is not attached
		p.CloneMountOf(name, mount, false).Into(again)
		p.Create(b.root, "dev/"+name, 0)
		b.attach(again, plan.Step{In: plan.Inside, Path: "dev/" + name})
	} else {
		parent, base := b.beside(plan.Step{In: plan.Inside}, "dev/"+name)
		p.Call("unlink dev/"+name, unix.SYS_UNLINKAT, parent, p.String(base), forkexec.Int(0)).May()
		p.Call("symlink dev/"+name, unix.SYS_SYMLINKAT, p.String(path.Join(dir, name)), parent, p.String(base))
		p.Close(parent)
	}
	p.Close(mount)
}
