package hostile

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"gantry/pkg/command"
)

// ownCgroups lets the container have its cgroups writable, as nested
// containers need them.
const ownCgroups = "lxc.mount.auto = cgroup:rw:force"

// TestStop ends containers that do what they can not to be ended.
func TestStop(t *testing.T) {
	for _, c := range []struct {
		name, word string
		attack     []string
		lines      []string
	}{
		{"stubborn", "", []string{"stubborn"}, nil},
		{"zombies", "made", []string{"zombies", "300"}, nil},
		{"bomb", "", []string{"bomb"}, []string{"lxc.cgroup.pids.max = 200", "lxc.cgroup2.pids.max = 200"}},
		{"frozen", "freezing", []string{"freeze"}, []string{ownCgroups}},
		{"nested", "made", []string{"nest", "1000", "1"}, []string{ownCgroups}},
		{"long", "made", []string{"nest", "40", "250"}, []string{ownCgroups}},
		{"renamed", "renaming", []string{"rename"}, []string{ownCgroups}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, mapped bool) {
				b := newBox(t, mapped, c.lines...)
				b.put("sbin/init", "#!/bin/sh\ntrap '' TERM INT PWR HUP\n/evil "+strings.Join(c.attack, " ")+" >/out 2>&1 &\nwhile :; do wait; done\n")
				b.start()
				monitor := b.monitor()
				eventually(b, func() error {
					if said := b.get("out"); !strings.Contains(said, c.word) {
						return os.ErrNotExist
					}
					return nil
				})
				time.Sleep(200 * time.Millisecond)
				if c.name == "stubborn" {
					if out, status := b.tool("lxc-stop", "-t", "1", "--nokill", b.name); status == 0 {
						t.Errorf("lxc-stop --nokill succeeded: %s", out)
					}
				}
				if state, err := b.client().State(); err != nil || state != command.Running {
					t.Errorf("state %v, %v; want RUNNING", state, err)
				}
				if kb := memory(t, monitor); kb > mostMemory {
					t.Errorf("the monitor holds %d kB", kb)
				}
				b.stop()
			})
		})
	}
}

// TestTraced ends a container in the host's pid namespace, where a process
// outlives the init and is its debugger. The monitor goes on meanwhile.
func TestTraced(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		keep := "user pid"
		if mapped {
			keep = "pid"
		}
		b := newBox(t, mapped, "lxc.namespace.keep = "+keep, "lxc.mount.auto =", "lxc.mount.auto = sys:ro") // no proc of the host's pids
		b.put("sbin/init", "#!/bin/sh\n/evil trace >/out 2>&1 &\nwhile :; do wait; done\n")
		b.start()
		eventually(b, func() error {
			if said := b.get("out"); !strings.Contains(said, "tracing") {
				return errors.New("evil: " + said)
			}
			return nil
		})
		b.stop()
	})
}

// TestReboots reboots without end. The monitor stays as it was.
func TestReboots(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		b.put("sbin/init", "#!/bin/sh\necho x >>/boots\n[ $(grep -c x /boots) -gt 30 ] && { >/done; exec /evil stubborn; }\n[ -e /go ] || sleep 1\nreboot -f\n")
		b.start()
		monitor := b.monitor()
		files := openFiles(b, monitor)
		b.put("go", "")
		b.get("done")
		healthy(b, monitor, files)
	})
}

// TestMonitorsSocket talks to the monitor from inside, in the host's network
// namespace: to the container's own, and to another container's.
func TestMonitorsSocket(t *testing.T) {
	b := newBox(t, true, "lxc.namespace.keep = net", "lxc.mount.auto =", "lxc.mount.auto = proc")
	b.put("sbin/init", "#!/bin/sh\nexec sleep 1000\n")
	config := lxcpath + "/c/config"
	content, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, []byte(strings.ReplaceAll(string(content), "lxc.net.0.type = empty\n", "")), 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.start()
	monitor := b.monitor()
	files := openFiles(b, monitor)
	address := command.Address(lxcpath, b.name)
	const commands = 26
	for code := range commands {
		out, _ := b.attach("/evil", "connect", "@"+address, string(rune('0'+code/10))+string(rune('0'+code%10)))
		if !strings.Contains(out, "answer -1 <nil>") && !strings.Contains(out, "answer 0 0 bytes") {
			t.Errorf("command %d: %s; want EPERM or nothing", code, out)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	flooded := make(chan bool)
	go func() {
		toolCommand(ctx, "lxc-attach", "-n", b.name, "--", "/evil", "overload", "@"+address).Run()
		close(flooded)
	}()
	time.Sleep(time.Second)
	for range 5 {
		began := time.Now()
		if state, err := b.client().State(); err != nil || state != command.Running {
			t.Errorf("state %v, %v; want RUNNING", state, err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("an answer took %v during a flood of connections", took)
		}
	}
	cancel()
	<-flooded
	b.attach("sh", "-c", "kill -9 $(pidof evil)")
	time.Sleep(100 * time.Millisecond)
	healthy(b, monitor, files)
}
