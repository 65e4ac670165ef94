package hostile

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPropagation mounts in a container over everything that came from the
// host, where mounts are shared, as systemd makes them. Nothing of it comes
// back.
func TestPropagation(t *testing.T) {
	const shared = "/run/rig/shared"
	if err := os.MkdirAll(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("shared", shared, "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(shared, unix.MNT_DETACH)
	for _, dir := range []string{"/dir", "/dir/in", "/tunnel"} {
		if err := os.Mkdir(shared+dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []string{shared, "/dev/pts", "/"} {
		if err := unix.Mount("", at, "", unix.MS_SHARED, ""); err != nil {
			t.Fatal(err)
		}
		defer unix.Mount("", at, "", unix.MS_PRIVATE, "")
	}
	bind := "lxc.mount.entry = " + shared + "/dir mnt none bind 0 0"
	for _, c := range []struct {
		name   string
		mapped bool
		lines  []string
	}{
		{"plain", false, []string{bind}},
		{"host ptys", false, []string{bind, "lxc.pty.max = 1"}},
		{"no ptys", false, []string{bind, "lxc.pty.max = 0"}},
		{"tunnel", false, []string{bind, "lxc.mount.auto = shmounts:" + shared + "/tunnel:/tunnel"}},
		{"explicitly shared", false, []string{strings.Replace(bind, "bind", "bind,rslave", 1)}},
		{"mapped", true, []string{bind}},
		{"id-mapped mount", true, []string{strings.Replace(bind, "bind", "bind,idmap=container", 1)}},
		{"mapped with host ptys", true, []string{bind, "lxc.pty.max = 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t, c.mapped, c.lines...)
			b.put("sbin/init", "#!/bin/sh\nexec sleep 1000\n")
			b.start()
			script := `mkdir -p /x; : >/file
				for at in /dev/console /dev/tty1 /dev/tty2 /dev/null /dev/ptmx; do mount -o bind /file $at; done
				for at in /mnt/in /mnt /tunnel /dev/pts /dev /proc /sys /x /; do mount -t tmpfs evil $at; done
				mount --make-rshared /
				for at in /mnt /dev /dev/pts /; do mount -t tmpfs evil $at; done; true`
			before, _ := os.ReadFile("/proc/self/mountinfo")
			if out, status := b.attach("sh", "-c", script); status != 0 {
				t.Error(out)
			}
			if now, _ := os.ReadFile("/proc/self/mountinfo"); string(now) != string(before) {
				t.Errorf("mounted outside:\n%s\nbefore:\n%s", now, before)
			}
		})
	}
}
