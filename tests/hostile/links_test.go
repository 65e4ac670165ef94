package hostile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// targets are paths of the rootfs that a start mounts on, makes, writes to or
// enters, with the configuration that makes it so.
var targets = []struct{ path, lines string }{
	{"dev", ""},
	{"proc", ""},
	{"sys", ""},
	{"sys", "lxc.mount.auto = sys:mixed"},
	{"sys/fs", "lxc.mount.auto =|lxc.mount.auto = cgroup:rw:force"},
	{"dev/pts", "lxc.autodev = 0"},
	{"dev/ptmx", "lxc.autodev = 0"},
	{"dev/console", "lxc.autodev = 0"},
	{"dev/console", "lxc.autodev = 0|lxc.pty.max = 1"},
	{"dev/tty1", "lxc.autodev = 0"},
	{"dev/lxc", "lxc.autodev = 0|lxc.tty.dir = lxc"},
	{"dev/lxc/console", "lxc.autodev = 0|lxc.tty.dir = lxc"},
	{"dev/fd", "lxc.autodev = 0"},
	{"dev/shm", "lxc.autodev = 0|lxc.mount.entry = shm dev/shm tmpfs create=dir 0 0"},
	{"mnt/dir", "lxc.mount.entry = /run/rig/bin mnt/dir none bind,create=dir 0 0"},
	{"mnt/dir", "lxc.mount.entry = /run/rig/bin mnt/dir/deep/er none bind,create=dir 0 0"},
	{"mnt/dir", "lxc.mount.entry = /run/rig/bin " + lxcpath + "/c/rootfs/mnt/dir none bind,optional 0 0"},
	{"mnt/dir", "lxc.mount.entry = mnt/dir mnt none bind,relative 0 0"},
	{"mnt/file", "lxc.mount.entry = /etc/hostname mnt/file none bind,create=file 0 0"},
	{"mnt/file", "lxc.mount.entry = /etc/hostname mnt/file/in none bind,create=file 0 0"},
	{"srv", "lxc.init.cwd = /srv"},
	{"srv", "lxc.init.cwd = /srv/in"},
	{"proc/sys", "lxc.mount.auto =|lxc.sysctl.kernel.domainname = evil"},
	{"proc/sys/kernel", "lxc.mount.auto =|lxc.sysctl.kernel.domainname = evil"},
	{"sbin/init", ""},
	{"etc/rc", "lxc.hook.start = /etc/rc"},
	{".lxc_keep", ""},
}

// ways lead out of the rootfs, if they are followed as they stand.
var ways = []string{
	"/run/rig/outside/dir",
	"/run/rig/outside/file",
	"../../../../../../../../../run/rig/outside/dir",
	"../../../../../../../../../run/rig/outside/file",
	"/run/rig/outside/new",
	"/proc/self/root/run/rig/outside/dir",
	"/proc/1/root/run/rig/outside/file",
	"/proc/self/cwd/run/rig/outside/dir",
	"/proc/self/cwd/../../../../../run/rig/outside/new",
	"/proc/thread-self/root/run/rig/outside/new",
	"/proc/self/fd/3",
	"/proc/self/exe",
}

// TestLinks puts a symbolic link in the way of everything a start does with
// the rootfs. The start may fail, or take place inside.
func TestLinks(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		config := filepath.Join(lxcpath, b.name, "config")
		base, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range targets {
			lines := strings.ReplaceAll(target.lines, "|", "\n") + "\n"
			if err := os.WriteFile(config, append(base[:len(base):len(base)], lines...), 0o640); err != nil {
				t.Fatal(err)
			}
			for _, way := range ways {
				b.link(target.path, way, target.lines)
			}
		}
	})
}

// link tries one link at one path.
func (b *box) link(path, way, lines string) {
	b.Helper()
	at := filepath.Join(b.root, path)
	aside := b.root + ".aside"
	parent := filepath.Dir(at)
	made := os.MkdirAll(parent, 0o755) == nil
	moved := os.Rename(at, aside) == nil
	if err := os.Symlink(way, at); err != nil {
		b.Fatal(err)
	}
	b.own()
	defer func() {
		os.RemoveAll(at)
		if moved {
			os.Rename(aside, at)
		}
		if made && parent != b.root {
			os.Remove(parent)
		}
	}()
	failed := b.Failed()
	if _, status := b.tool("lxc-start", b.name); status == 0 {
		if pid, err := b.client().InitPID(); err == nil {
			unreached(b, pid)
		}
		b.tool("lxc-stop", "-k", b.name)
	}
	if b.Failed() && !failed {
		b.Errorf("that was %s -> %s, with %s", path, way, lines)
	}
}
