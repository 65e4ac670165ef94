package hostile

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// TestFlood writes to the console and to the ttys without end. Nobody reads;
// the log keeps to its limit.
func TestFlood(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		const size = 256 << 10
		log := "/run/rig/console.log"
		b := newBox(t, mapped, "lxc.console.logfile = "+log, "lxc.console.size = 256KB", "lxc.console.rotate = 1", "lxc.console.buffer.size = 64KB")
		b.put("sbin/init", "#!/bin/sh\n/evil flood /dev/tty1 &\n/evil flood /dev/tty2 &\n/evil flood /dev/console 8\n>/done\nexec /evil flood /dev/console\n")
		b.start()
		monitor := b.monitor()
		b.get("done")
		for _, file := range []string{log, log + ".1"} {
			info, err := os.Stat(file)
			if err != nil || info.Size() > size {
				t.Errorf("%s: %v, %d bytes; want no more than %d", file, err, info.Size(), size)
			}
			defer os.Remove(file)
		}
		began := time.Now()
		for range 20 {
			if _, err := b.client().State(); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began) / 20; took > 200*time.Millisecond {
			t.Errorf("an answer takes %v during a flood", took)
		}
		if kb := memory(t, monitor); kb > mostMemory {
			t.Errorf("the monitor holds %d kB", kb)
		}
		b.stop()
	})
}

// TestEscapes has a console write what a terminal would answer. Nothing of
// ours interprets or answers it.
func TestEscapes(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		b.put("sbin/init", "#!/bin/sh\nstty -F /dev/console raw -echo\nprintf '\\033[6n\\033[21t\\033[c\\005' >/dev/console\ncat /dev/console >/answer &\nsleep 1\n")
		out := onTTY(t, "lxc-start -F c; stty -icanon -echo min 0 time 3; cat")
		if !strings.Contains(out, "\x1b[6n\x1b[21t\x1b[c\x05") {
			t.Errorf("shown: %q; want it as it was written", out)
		}
		if answer, _ := os.ReadFile(b.root + "/answer"); len(answer) > 0 {
			t.Errorf("the container was answered %q", answer)
		}
	})
}

// TestHangup hangs console and ttys up, as getty does, while nobody has them
// open but the monitor. It goes on, and does not spin.
func TestHangup(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, "lxc.console.logfile = /run/rig/hangup.log")
		defer os.Remove("/run/rig/hangup.log")
		b.put("sbin/init", `#!/bin/sh
exec </dev/null >/dev/null 2>&1
/evil hangup /dev/console >/hung 2>&1 && echo hung >/hung
/evil hangup /dev/tty1
>/done
while [ ! -e /go ]; do sleep 0.1; done
echo after-the-hangup >/dev/console
sleep 1000
`)
		b.start()
		monitor := b.monitor()
		b.get("done")
		// A console in use, and one that comes into use.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		toolCommand(ctx, "lxc-console", "-n", b.name, "-t", "0").Run()
		cancel()
		healthy(b, monitor, 0)
		b.put("go", "")
		eventually(b, func() error {
			if log, _ := os.ReadFile("/run/rig/hangup.log"); !strings.Contains(string(log), "after-the-hangup") {
				return os.ErrNotExist
			}
			return nil
		})
		healthy(b, monitor, 0)
		if out := onTTY(t, "(sleep 0.5; pkill -f '^lxc-console') & lxc-console -n c -t 1"); !strings.Contains(out, "Connected") {
			t.Errorf("lxc-console after the hang-up: %q", out)
		}
		healthy(b, monitor, 0)
	})
}
