package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// hostNetFD is the descriptor of the network namespace outside.
const hostNetFD = 3

// onDisk lists the directories that need a real file system beneath them, and
// where it comes from: containers, for overlay and id-mapped mounts, from this
// run's work directory; caches, which are worth keeping, from the checkout.
func onDisk(work string) map[string]string {
	return map[string]string{
		"/var/lib/lxc":   filepath.Join(work, "lib"),
		"/var/cache/lxc": filepath.Join(Checkout(), ".cache/lxc"),
	}
}

// replaced lists the mounts of the machine outside that the small machine does
// without. /etc and /var are not among them: their copies need the originals.
var replaced = []string{"/run", "/proc", "/sys", "/dev/pts"}

// furnish turns the new namespaces into a small machine. work is a directory
// on disk that belongs to this run.
func furnish(work string) error {
	steps := []struct {
		what string
		do   func() error
	}{
		{"keep mounts to ourselves", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"private /etc and /var", func() error { return copyOnWrite(work) }},
		{"private /run", func() error { return fresh("tmpfs", "/run", "mode=755") }},
		{"/run/lock", func() error { return os.Mkdir("/run/lock", 0o1777) }},
		{"/proc", func() error { return fresh("proc", "/proc", "") }},
		{"/sys", freshSys},
		{"/dev/pts", func() error { return fresh("devpts", "/dev/pts", "newinstance,gid=5,mode=620,ptmxmode=666") }},
		{"/etc/lxc", emptyEtcLXC},
		{"subordinate ids", subordinateIDs},
		{"helper commands", installHelpers},
		{"lo up", func() error { return linkUp("lo") }},
		{"hostname", func() error { return unix.Sethostname([]byte("rig")) }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return nil
}

// fresh mounts a new file system of a type on path, in place of any that were
// there: tools read the mount table and would find the old ones in it.
func fresh(fstype, path, data string) error {
	for slices.Contains(replaced, path) && unix.Unmount(path, unix.MNT_DETACH) == nil {
	}
	return unix.Mount(fstype, path, fstype, 0, data)
}

// copyOnWrite lays a tmpfs over /etc and /var, and directories on disk over
// those of onDisk.
func copyOnWrite(work string) error {
	resolv, _ := os.ReadFile("/etc/resolv.conf") // may be a link into /run
	disks := map[string]int{}
	for dir, source := range onDisk(work) {
		if err := os.MkdirAll(source, 0o755); err != nil {
			return err
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return fmt.Errorf("open_tree %s: %w", source, err)
		}
		defer unix.Close(fd)
		disks[dir] = fd
	}
	layers := filepath.Join(work, "layers")
	if err := os.Mkdir(layers, 0o755); err != nil {
		return err
	}
	if err := fresh("tmpfs", layers, "mode=755"); err != nil {
		return err
	}
	for _, dir := range []string{"/etc", "/var"} {
		upper, scratch := layers+dir, layers+dir+".work"
		if err := os.Mkdir(upper, 0o755); err != nil {
			return err
		}
		if err := os.Mkdir(scratch, 0o755); err != nil {
			return err
		}
		if err := fresh("overlay", dir, "lowerdir="+dir+",upperdir="+upper+",workdir="+scratch); err != nil {
			return fmt.Errorf("overlay on %s: %w", dir, err)
		}
	}
	for dir, disk := range disks {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.MoveMount(disk, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("move_mount %s: %w", dir, err)
		}
	}
	if err := os.RemoveAll("/etc/resolv.conf"); err != nil {
		return err
	}
	return os.WriteFile("/etc/resolv.conf", resolv, 0o644)
}

// freshSys mounts a /sys of the new network namespace, with the cgroup
// hierarchies of the new cgroup namespace and everything else as it was.
func freshSys() error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter("/sys"))
	if err != nil {
		return err
	}
	kept := map[string]int{}
	for _, m := range mounts {
		if m.Mountpoint == "/sys" || cgroupMount(m) {
			continue
		}
		if fd, err := unix.OpenTree(unix.AT_FDCWD, m.Mountpoint, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC); err == nil {
			kept[m.Mountpoint] = fd
			defer unix.Close(fd)
		}
	}
	if err := fresh("sysfs", "/sys", ""); err != nil {
		return err
	}
	for _, m := range mounts { // in the order they were mounted
		switch fd, ok := kept[m.Mountpoint]; {
		case ok && m.FSType == "tmpfs": // the directory of v1 hierarchies: the old one shows the old hierarchies' links only
			err = fresh("tmpfs", m.Mountpoint, "mode=755")
		case ok:
			err = unix.MoveMount(fd, "", unix.AT_FDCWD, m.Mountpoint, unix.MOVE_MOUNT_F_EMPTY_PATH)
		case cgroupMount(m):
			err = mountCgroup(m)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Mountpoint, err)
		}
	}
	return nil
}

func cgroupMount(m *mountinfo.Info) bool { return m.FSType == "cgroup" || m.FSType == "cgroup2" }

// mountCgroup mounts a hierarchy again at its place, as the cgroup namespace
// shows it.
func mountCgroup(m *mountinfo.Info) error {
	if err := os.MkdirAll(m.Mountpoint, 0o755); err != nil {
		return err
	}
	var options []string
	for _, o := range strings.Split(m.VFSOptions, ",") {
		if o != "rw" && o != "ro" {
			options = append(options, o)
		}
	}
	return unix.Mount(m.FSType, m.Mountpoint, m.FSType, 0, strings.Join(options, ","))
}

// emptyEtcLXC gives /etc/lxc a default.conf without network and nothing else,
// so that no site's settings reach a test.
func emptyEtcLXC() error {
	if err := os.RemoveAll("/etc/lxc"); err != nil {
		return err
	}
	if err := os.Mkdir("/etc/lxc", 0o755); err != nil {
		return err
	}
	return os.WriteFile("/etc/lxc/default.conf", []byte("lxc.net.0.type = empty\n"), 0o644)
}

// subordinateIDs lets root map ids, which newuidmap wants to read in writing.
func subordinateIDs() error {
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		if err := os.WriteFile(file, []byte("root:100000:65536\nroot:1000:1\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}
