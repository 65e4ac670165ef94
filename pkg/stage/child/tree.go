package child

import (
	"path"

	"gantry/pkg/forkexec"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

const cwd = forkexec.Int(unix.AT_FDCWD)

// at gives the directory the step's path is looked up beneath.
func (b *build) at(s plan.Step) forkexec.Arg {
	if s.In == plan.Inside {
		return b.root
	}
	r := b.p.Reg()
	b.p.Open("/", unix.O_PATH|unix.O_DIRECTORY, 0).Into(r)
	return r
}

func (b *build) slaveTree(plan.Step) error {
	b.p.Scope(func() {
		r := b.p.Reg()
		b.p.Open("/", unix.O_PATH|unix.O_DIRECTORY, 0).Into(r)
		b.p.SetMountAttr("/", r, forkexec.MountAttr{Propagation: unix.MS_SLAVE}, true)
		b.p.Close(r)
	})
	return nil
}

// mountRootfs attaches the rootfs to its mount point and opens it. All later
// paths inside the container begin at this descriptor.
func (b *build) mountRootfs(s plan.Step) error {
	p, r := b.p, b.plan.Rootfs
	b.root = p.Reg()
	if r.Path == "" {
		p.Open("/", unix.O_PATH|unix.O_DIRECTORY, 0).Into(b.root)
		return nil
	}
	b.rootfs = true
	if b.in.Rootfs != nil {
		b.dup(b.root, b.in.Rootfs)
	} else {
		p.CloneMount(cwd, r.Path, true).Into(b.root)
	}
	b.attributes(r.Path, b.root, r.Options)
	p.Scope(func() {
		target := p.Reg()
		p.Open(r.Mount, unix.O_PATH|unix.O_DIRECTORY, 0).Into(target)
		p.MoveMount(r.Path, b.root, target)
		p.Close(target)
	})
	return nil
}

// pivot makes the rootfs the root of the mount namespace. Both arguments of
// pivot_root(2) being ".", the old root ends up below the new one's and is
// taken off from there.
func (b *build) pivot(plan.Step) error {
	if !b.rootfs {
		return nil
	}
	p := b.p
	old := p.Reg()
	p.Open("/", unix.O_PATH|unix.O_DIRECTORY, 0).Into(old)
	p.Call("enter the rootfs", unix.SYS_FCHDIR, b.root)
	if b.in.Ramfs {
		// It cannot be pivoted away from: cover it instead.
		p.MoveMount("rootfs over /", b.root, old)
		p.Call("chroot", unix.SYS_CHROOT, p.String("."))
	} else {
		p.Call("pivot_root", unix.SYS_PIVOT_ROOT, p.String("."), p.String("."))
		p.Call("fchdir", unix.SYS_FCHDIR, old)
		p.SetMountAttr("old root", old, forkexec.MountAttr{Propagation: unix.MS_SLAVE}, true)
		p.Call("unmount old root", unix.SYS_UMOUNT2, p.String("."), forkexec.Int(unix.MNT_DETACH))
		p.Call("fchdir", unix.SYS_FCHDIR, b.root)
	}
	p.Close(old)
	p.SetMountAttr("new root", b.root, forkexec.MountAttr{Propagation: unix.MS_SHARED}, true)
	return nil
}

func (b *build) mkdir(s plan.Step) error {
	b.p.Scope(func() {
		d := b.p.Reg()
		b.p.Mkdir(d, b.at(s), s.Path, s.Mode)
		b.p.Close(d)
	})
	return nil
}

// beside opens the directory of name beneath the step's root and gives it and
// the last element of the path.
func (b *build) beside(s plan.Step, name string) (dir forkexec.Reg, base string) {
	dir = b.p.Reg()
	b.p.OpenIn(b.at(s), path.Dir(name), unix.O_PATH|unix.O_DIRECTORY, 0).Into(dir)
	return dir, path.Base(name)
}

// exactly runs f without the umask, which the init inherits and must keep.
func (b *build) exactly(f func()) {
	p := b.p
	mask := p.Reg()
	p.Call("umask", unix.SYS_UMASK, forkexec.Int(0)).Into(mask)
	p.Finally(f, func() { p.Call("umask", unix.SYS_UMASK, mask) })
}

// mknod makes a device node, or binds the host's where mknod(2) is not
// permitted (user namespaces). What a hook has made stays.
func (b *build) mknod(s plan.Step) error {
	p := b.p
	p.Scope(func() {
		dir, base := b.beside(s, s.Path)
		b.exactly(func() {
			bind, done := p.Label(), p.Label()
			p.Call("mknod "+s.Path, unix.SYS_MKNODAT, dir, p.String(base), forkexec.Int(s.Mode), forkexec.Int(s.Dev)).Else(bind)
			p.Jump(done)
			p.Place(bind)
			p.Call("create "+s.Path, unix.SYS_MKNODAT, dir, p.String(base), forkexec.Int(unix.S_IFREG), forkexec.Int(0)).On(unix.EEXIST, done)
			m := p.Reg()
			p.CloneMount(cwd, "/dev/"+base, false).Into(m)
			b.attach(m, s)
			p.Place(done)
		})
		p.Close(dir)
	})
	return nil
}

func (b *build) symlink(s plan.Step) error {
	b.p.Scope(func() {
		dir, base := b.beside(s, s.Path)
		b.p.Call("symlink "+s.Path, unix.SYS_SYMLINKAT, b.p.String(s.Source), dir, b.p.String(base)).Tolerate(unix.EEXIST)
		b.p.Close(dir)
	})
	return nil
}

// sysctl writes below /proc/sys, if that is the kernel's: a rootfs without a
// mounted proc may have anything there, a disk's device node for one.
func (b *build) sysctl(s plan.Step) error {
	p := b.p
	p.Scope(func() {
		const missing = "no proc is mounted on /proc"
		proc, dir := p.Reg(), p.Reg()
		p.OpenIn(b.root, "proc", unix.O_PATH|unix.O_DIRECTORY, 0).Into(proc)
		p.RequireFS(missing, proc, unix.PROC_SUPER_MAGIC) // an empty /proc has no sys to look at
		p.OpenIn(b.root, "proc/sys", unix.O_PATH|unix.O_DIRECTORY, 0).Into(dir)
		p.RequireFS(missing, dir, unix.PROC_SUPER_MAGIC)
		p.WriteFile(dir, s.Path, s.Source, 0, 0)
		p.Close(dir)
		p.Close(proc)
	})
	return nil
}

// bootID covers the kernel's boot_id, which is the host's, with one of the
// container's own.
func (b *build) bootID(s plan.Step) error {
	const file, target = "dev/.lxc-boot-id", "proc/sys/kernel/random/boot_id"
	p := b.p
	p.Scope(func() {
		b.exactly(func() {
			p.WriteFile(b.root, file, b.in.BootID+"\n", unix.O_CREAT|unix.O_EXCL, 0o444)
		})
		// By paths, which after pivot_root(2) lead nowhere else: AppArmor's
		// profiles let this mount through, but none of a descriptor.
		p.Call("mount on "+target, unix.SYS_MOUNT, p.String("/"+file), p.String("/"+target), p.String(""), forkexec.Int(unix.MS_BIND), forkexec.Int(0))
		m := p.Reg()
		p.OpenIn(b.root, target, unix.O_PATH, 0).Into(m)
		p.SetMountAttr(target, m, forkexec.MountAttr{Set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC}, false)
		p.Close(m)
	})
	return nil
}

func (b *build) shmounts(s plan.Step) error {
	b.p.Scope(func() {
		m := b.p.Reg()
		b.p.OpenIn(b.root, s.Path, unix.O_PATH|unix.O_DIRECTORY, 0).Into(m)
		b.p.SetMountAttr(s.Path, m, forkexec.MountAttr{Propagation: unix.MS_SLAVE}, true)
		b.p.Close(m)
	})
	return nil
}
