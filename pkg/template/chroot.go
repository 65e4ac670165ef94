package template

import (
	"context"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
	"gantry/pkg/forkexec"
)

// A chroot runs programs inside a tree, as its root, and with nothing of the
// host but the network: they have mount, pid, uts and ipc namespaces of their
// own, and the container's user namespace if it has one.
type chroot struct {
	tree    *tree
	name    string // host name
	out     func(line string)
	network bool // give them the host's resolv.conf
}

// nodes are the devices a program may find in /dev.
var nodes = []struct {
	name         string
	major, minor uint32
}{
	{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
}

func (c chroot) run(ctx context.Context, argv, env []string) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	// The places to mount on belong to the tree.
	for _, dir := range []string{"dev", "proc"} {
		f, err := c.tree.mkdir(dir, 0o755)
		if err != nil {
			return err
		}
		f.Close()
	}
	return child{
		path:   argv[0],
		argv:   argv,
		env:    env,
		files:  [3]*os.File{null},
		idmap:  c.tree.idmap,
		flags:  unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		mount:  c.mount,
		inside: c.enter,
	}.captured(ctx, c.out)
}

// mount prepares /dev and resolv.conf. The caller's user namespace does it,
// which may make devices.
func (c chroot) mount() error {
	// From here on the paths of the thread are those of its mount namespace.
	if err := unix.Chdir(c.tree.path); err != nil {
		return sys.PathError("chdir", c.tree.path, err)
	}
	root, err := os.OpenFile(".", unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := mountIn(root, "dev", "tmpfs", "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
		return err
	}
	dev, err := sys.OpenIn(root, "dev", unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer dev.Close()
	fd := int(dev.Fd())
	for _, n := range nodes {
		err := unix.Mknodat(fd, n.name, unix.S_IFCHR|0o666, int(unix.Mkdev(n.major, n.minor)))
		if err == nil {
			err = unix.Fchmodat(fd, n.name, 0o666, 0)
		}
		if err != nil {
			return sys.PathError("mknod", "/dev/"+n.name, err)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := unix.Symlinkat(target, fd, name); err != nil {
			return sys.PathError("symlink", "/dev/"+name, err)
		}
	}
	if !c.network {
		return nil
	}
	err = mountIn(root, "etc/resolv.conf", "/etc/resolv.conf", "", unix.MS_BIND, "")
	if errors.Is(err, unix.ENOENT) { // one of the two has none
		return nil
	}
	return err
}

// mountIn mounts on what path names beneath root.
func mountIn(root *os.File, path, source, fstype string, flags uintptr, data string) error {
	at, err := sys.OpenIn(root, path, unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer at.Close()
	return sys.PathError("mount", path, unix.Mount(source, "/proc/self/fd/"+strconv.Itoa(int(at.Fd())), fstype, flags, data))
}

// enter makes the working directory the root. A copy of the mount is taken for
// that: those inherited into a user namespace are locked where they are. The new
// /proc comes while the host's is still there, which a user namespace needs
// for it.
func (c chroot) enter(p *forkexec.Program) {
	here, proc, at := p.Reg(), p.Reg(), p.Reg()
	p.CloneMount(forkexec.Int(unix.AT_FDCWD), ".", true).Into(here)
	p.Call("move_mount .", unix.SYS_MOVE_MOUNT, here, p.String(""), forkexec.Int(unix.AT_FDCWD), p.String("."), forkexec.Int(unix.MOVE_MOUNT_F_EMPTY_PATH))
	p.NewMount(proc, "proc", nil, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	p.OpenIn(here, "proc", unix.O_PATH|unix.O_DIRECTORY, 0).Into(at)
	p.MoveMount("/proc", proc, at)
	p.Call("sethostname", unix.SYS_SETHOSTNAME, p.String(c.name), forkexec.Int(len(c.name)))
	p.Call("fchdir", unix.SYS_FCHDIR, here)
	p.Call("pivot_root", unix.SYS_PIVOT_ROOT, p.String("."), p.String("."))
	p.Call("umount the host", unix.SYS_UMOUNT2, p.String("."), forkexec.Int(unix.MNT_DETACH))
	p.Call("chdir /", unix.SYS_CHDIR, p.String("/"))
}
