package hostile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAttachInterrupted attaches to a container whose cgroups are frozen. The
// command does not come about; whoever started lxc-attach can end it.
func TestAttachInterrupted(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		b.start()
		for _, file := range []string{"freezer.state", "cgroup.freeze"} {
			found, _ := filepath.Glob("/sys/fs/cgroup/*/lxc.payload.c/" + file)
			for _, f := range found {
				os.WriteFile(f, []byte(map[string]string{"freezer.state": "FROZEN", "cgroup.freeze": "1"}[file]), 0)
			}
		}
		began := time.Now()
		onTTY(t, "timeout -k 10 2 lxc-attach -n c -- true </dev/null >/dev/null 2>&1")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("SIGTERM after 2 s: lxc-attach took %v to end", took)
		}
		b.stop()
	})
}

// TestHungReboot kills a container whose start hook, a program of its own, does
// not end when it boots again.
func TestHungReboot(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, "lxc.hook.start = /hook")
		b.put("hook", "#!/bin/sh\n[ -e /second ] && >/hung && exec sleep 60\n>/second\n")
		b.start()
		b.attach("/bin/busybox", "reboot", "-f")
		b.get("hung")
		b.stop()
	})
}

// TestHungStart interrupts a start whose start hook does not end.
func TestHungStart(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, "lxc.hook.start = /hook")
		b.put("hook", "#!/bin/sh\nexec sleep 15\n")
		began := time.Now()
		onTTY(t, "timeout 2 lxc-start c >/dev/null 2>&1")
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("SIGTERM after 2 s: lxc-start took %v to end", took)
		}
	})
}

// TestEscapesInErrors lets a start hook's last words, and a file's name, be
// control characters. They do not reach the caller's terminal.
func TestEscapesInErrors(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		const name = "x\x1b]0;evil\a\nlxc-destroy: c: all is well"
		b := newBox(t, mapped, "lxc.hook.start = /hook")
		b.put("hook", "#!/bin/sh\nprintf '\\033]0;evil\\007\\rlxc-start: c: all is well' >&2\nexit 1\n")
		out, _ := b.tool("lxc-start", b.name)
		if err := os.Mkdir(b.root+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", b.root+"/"+name, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		destroyed, _ := b.tool("lxc-destroy", b.name)
		unix.Unmount(b.root+"/"+name, 0)
		for _, said := range []string{out, destroyed} {
			if strings.ContainsAny(said, "\x1b\a\r") || strings.Count(said, "\n") > 1 {
				t.Errorf("printed raw: %q", said)
			}
		}
	})
}
