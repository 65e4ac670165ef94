package hostile

import (
	"strings"
	"testing"
)

// TestNoPtys takes every pty of the container. Its administrator still gets
// in, and its terminals still work.
func TestNoPtys(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, "lxc.pty.max = 8")
		b.start()
		b.evil("took", "ptys")
		if out := onTTY(t, "lxc-attach -n c -- sh -c 'test -t 0 && echo on a terminal'"); !strings.Contains(out, "on a terminal") {
			t.Errorf("lxc-attach on a terminal: %q", out)
		}
		healthy(b, b.monitor(), 0)
	})
}

// TestFalsePtmx mounts other files over the multiplexer of ptys that
// lxc-attach opens. They must not be opened by the host's root.
func TestFalsePtmx(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		b.start()
		// A fifo tells whether somebody opened it: who waits for a writer goes on.
		b.attach("sh", "-c", "mkfifo /fifo; mount -o bind /fifo /dev/pts/ptmx; mount -o bind /fifo /dev/ptmx; (cat </fifo >/dev/null; echo opened >/opened) </dev/null >/dev/null 2>&1 &")
		if out := onTTY(t, "lxc-attach -n c -- sh -c 'test -t 0 && echo on a terminal'; lxc-console -n c -t 1 </dev/null"); !strings.Contains(out, "on a terminal") {
			t.Errorf("lxc-attach on a terminal: %q", out)
		}
		if out, _ := b.attach("cat", "/opened"); strings.Contains(out, "opened\n") {
			t.Error("the container's file has been opened")
		}
	})
}
