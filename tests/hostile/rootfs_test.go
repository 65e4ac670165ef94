package hostile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKeep has something in the place of the file that pins the rootfs. The
// container starts, and what is there is left alone.
func TestKeep(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		keep := b.root + "/.lxc_keep"
		for name, make := range map[string]func() error{
			"directory": func() error { return os.MkdirAll(keep+"/full", 0o755) },
			"link":      func() error { return os.Symlink(outside+"/new", keep) },
			"fifo":      func() error { return unix.Mkfifo(keep, 0o644) },
			"socket":    func() error { return unix.Mknod(keep, unix.S_IFSOCK|0o644, 0) },
			"device":    func() error { return unix.Mknod(keep, unix.S_IFCHR|0o666, int(unix.Mkdev(200, 200))) }, // ENXIO when opened
		} {
			if err := make(); err != nil {
				t.Fatal(err)
			}
			b.start()
			b.stop()
			if _, err := os.Lstat(keep); err != nil {
				t.Errorf(".lxc_keep as a %s: %v; want it left alone", name, err)
			}
			os.RemoveAll(keep)
		}
	})
}

// TestFalseProc prepares files below /proc/sys for a start that mounts no proc
// there and has sysctls to set: a fifo, which would hold it up, and a device,
// which would be written to.
func TestFalseProc(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		const word = "evil-sysctl-of-a-device"
		b := newBox(t, mapped, "lxc.mount.auto =", "lxc.sysctl.kernel.domainname = "+word)
		os.MkdirAll(b.root+"/proc/sys/kernel", 0o755)
		file := b.root + "/proc/sys/kernel/domainname"
		for name, make := range map[string]func() error{
			"fifo":   func() error { return unix.Mkfifo(file, 0o666) },
			"device": func() error { return unix.Mknod(file, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 11))) }, // /dev/kmsg
			"file":   func() error { return os.WriteFile(file, nil, 0o666) },
		} {
			if err := make(); err != nil {
				t.Fatal(err)
			}
			b.own()
			os.Chmod(file, 0o666)
			began := time.Now()
			if out, status := b.tool("lxc-start", b.name); status != 1 {
				t.Errorf("%s: status %d, %s; want 1", name, status, out)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: the start took %v", name, took)
			}
			os.Remove(file)
		}
		if log, err := exec.Command("dmesg").Output(); err == nil && bytes.Contains(log, []byte(word)) {
			t.Error("the device has been written to")
		}
	})
}

// TestDevices makes device nodes inside that the container may not use, and
// finds some that were there before.
func TestDevices(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped,
			"lxc.cgroup.devices.deny = a", "lxc.cgroup2.devices.deny = a",
			"lxc.cgroup.devices.allow = c 1:3 rwm", "lxc.cgroup2.devices.allow = c 1:3 rwm",
			"lxc.cgroup.devices.allow = c 1:5 rw", "lxc.cgroup2.devices.allow = c 1:5 rw",
			"lxc.cgroup.devices.allow = c *:* m", "lxc.cgroup2.devices.allow = c *:* m",
			"lxc.cgroup.devices.allow = c 5:* rwm", "lxc.cgroup2.devices.allow = c 5:* rwm",
			"lxc.cgroup.devices.allow = c 136:* rwm", "lxc.cgroup2.devices.allow = c 136:* rwm")
		if err := unix.Mknod(b.root+"/before", unix.S_IFBLK|0o666, int(unix.Mkdev(7, 0))); err != nil {
			t.Fatal(err)
		}
		unix.Mknod(b.root+"/mem", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 1)))
		b.own()
		b.start()
		for _, c := range []struct {
			script string
			want   bool
		}{
			{"cat /dev/null", true},
			{"head -c 1 /dev/zero", true},
			{"mknod /kmsg c 1 11 && head -c 1 /kmsg", false},
			{"mknod /disk b 7 0", false},
			{"mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem", false},
			{"mount -t tmpfs none /mnt; mknod /mnt/x b 7 0", false},
			{"head -c 1 /before", false},
			{"head -c 1 /mem", false},
			{"head -c 1 /dev/full; head -c 1 /dev/urandom", false},
		} {
			out, status := b.attach("sh", "-c", c.script)
			if (status == 0) != c.want {
				t.Errorf("%s: status %d, %s; want success: %v", c.script, status, out, c.want)
			}
		}
	})
}

// TestFiles looks at what init, hooks and an attached command have open, and
// where they are.
func TestFiles(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, `lxc.hook.start = sh -c "/evil fds >/hook.out; true"`)
		b.put("sbin/init", "#!/bin/sh\n/evil fds >/init.out\nexec sleep 1000\n")
		b.start()
		attached, _ := b.attach("/evil", "fds")
		for who, said := range map[string]string{"start hook": b.get("hook.out"), "init": b.get("init.out"), "attached command": attached} {
			for line := range strings.Lines(said) {
				var what, target string
				fd := -1
				if n, _ := fmt.Sscanf(line, "fd %d %s", &fd, &target); n == 2 && fd > 2 && fd != 10 && fd != 251 {
					t.Errorf("the %s has open: %s", who, line)
				}
				if n, _ := fmt.Sscanf(line, "%s %s", &what, &target); n == 2 && (what == "cwd" || what == "root") && target != "/" {
					t.Errorf("the %s is at: %s", who, line)
				}
			}
		}
	})
}

// TestDestroy deletes a container whose rootfs resists.
func TestDestroy(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		b.start()
		b.attach("sh", "-c", `mkdir /evil.d; cd /evil.d
			ln -s / root; ln -s `+outside+` out; ln -s .. up; ln -s /proc/self/cwd cwd; mkfifo fifo; mknod dev b 7 0 2>/dev/null
			touch "new
line" "$(printf '\377\376')" '-rf' '*' '..evil' "$(printf 'n%.0s' $(seq 255))"
			mkdir ...; ln -s ../../.. .../...
			mkdir full; cd full; for i in $(seq 300); do : >$i; done; cd ..
			for i in $(seq 600); do mkdir d; cd d || break; done; :> deep`)
		b.stop()
		// What root inside may set where it has CAP_LINUX_IMMUTABLE.
		for _, name := range []string{"etc/passwd", "etc", "evil.d/full", "evil.d/full/7"} {
			if err := setFlags(filepath.Join(b.root, name), 0x10); err != nil { // FS_IMMUTABLE_FL
				t.Logf("%s: %v", name, err)
			}
		}
		if err := setFlags(b.root+"/evil.d/full/8", 0x20); err != nil { // FS_APPEND_FL
			t.Log(err)
		}
		if out, status := b.tool("lxc-destroy", b.name); status != 0 {
			t.Errorf("lxc-destroy: status %d: %s", status, out)
		}
		if _, err := os.Lstat(filepath.Join(lxcpath, b.name)); err == nil {
			left, _ := exec.Command("find", filepath.Join(lxcpath, b.name)).Output()
			t.Errorf("left behind:\n%.1000s", left)
			exec.Command("chattr", "-R", "-i", "-a", b.root).Run()
		}
	})
}

// setFlags sets attributes of chattr(1).
func setFlags(file string, flags int) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, plain|flags)
}

// TestDestroyMounted refuses to delete what is mounted somewhere else as well.
func TestDestroyMounted(t *testing.T) {
	b := newBox(t, false)
	if err := unix.Mount(outside, b.root+"/mnt", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	out, status := b.tool("lxc-destroy", b.name)
	if err := unix.Unmount(b.root+"/mnt", 0); err != nil {
		t.Error(err)
	}
	if status != 1 {
		t.Errorf("lxc-destroy with a mount in the rootfs: status %d, %s; want 1", status, out)
	}
	if _, err := os.Stat(b.root + "/bin/busybox"); err != nil {
		t.Errorf("something was deleted all the same: %v", err)
	}
}
