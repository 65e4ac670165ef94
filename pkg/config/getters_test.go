package config

import (
	"os"
	"strings"
	"testing"
)

// differs has the lines of testdata/getters, measured with LXC 5.0.2, where
// another value is right, and why.
var differs = map[string]string{
	"lxc.proc.oom_score_adj = 10;lxc.proc.a.b = 2;lxc.proc.a.b = 3 => lxc.proc.a.b":                         `2\n3`,  // 5.0.2 glues the values together
	"lxc.prlimit. = 10 => lxc.prlimit":                                                                      "!load", // a limit of no resource
	"lxc.signal.halt = 300 => lxc.signal.halt":                                                              "!load", // no such signal
	"lxc.mount.auto = shmounts: => lxc.mount.auto":                                                          "!load", // a mount without a source
	"lxc.cgroup2.memory.max = 1G;lxc.cgroup2.memory.max = 2G;lxc.cgroup2.pids.max = 3 => lxc.cgroup2.":      `lxc.cgroup2.memory.max = 1G\nlxc.cgroup2.memory.max = 2G\nlxc.cgroup2.pids.max = 3\n`,
	"lxc.cap.keep = sys_time;lxc.cap.keep = none => lxc.cap.drop":                                           "",
	"lxc.time.offset.boot = 5 s => lxc.time.offset.boot":                                                    "5s", // 6.0
	"lxc.time.offset.boot = 5 s => lxc.time.offset.monotonic":                                               "0ns",
	"lxc.time.offset.monotonic = 5ms => lxc.time.offset.monotonic":                                          "5000000ns",
	"lxc.time.offset.boot = 5ns;lxc.time.offset.boot = 5s => lxc.time.offset.boot":                          "5s",
	"lxc.time.offset.boot = -2h => lxc.time.offset.boot":                                                    "-7200s",
	"lxc.time.offset.boot = 2h => lxc.time.offset.boot":                                                     "7200s",
	"lxc.time.offset.boot = 2m => lxc.time.offset.boot":                                                     "120s",
	"lxc.time.offset.monotonic = 3us => lxc.time.offset.monotonic":                                          "3000ns",
	"lxc.net.0.type = veth;lxc.net.1.type = empty => lxc.net.0.veth.vlan.id":                                "",      // 6.0.4
	"lxc.net.0.type = veth;lxc.net.0.link = 1234567890123456 => lxc.net.0.link":                             "!load", // cut short there
	"lxc.net.0.type = veth;lxc.net.0.mtu = foo => lxc.net.0.mtu":                                            "!load", // fails at start there
	"lxc.net.0.type = phys;lxc.net.0.link=eth+ => lxc.net.0.link":                                           "eth+",  // looked up at start
	"lxc.net.0.type = veth;lxc.net.0.ipv4.gateway = dev;lxc.net.0.ipv4.gateway = => lxc.net.0.ipv4.gateway": "",      // emptying means emptying
}

// random says of a measured value that another run gives another.
func random(lines string) bool {
	return strings.Contains(lines, "hwaddr = xx") || strings.Contains(lines, ":xx")
}

// TestGetters compares with what LXC's lxc-info -c prints: each line of the
// file reads LINE;LINE... => KEY => VALUE.
func TestGetters(t *testing.T) {
	t.Setenv("HOME", "/root")
	data, err := os.ReadFile("testdata/getters")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, row := range splitLines(string(data)) {
		parts := strings.SplitN(row, " => ", 3)
		if len(parts) != 3 {
			t.Fatalf("testdata/getters: %q has not three parts", row)
		}
		lines, name, want := parts[0], parts[1], parts[2]
		if other, ok := differs[lines+" => "+name]; ok {
			want = other
		}
		if k, _ := find(keys, name); k != nil {
			asked[k.name] = true
		}
		got := getter(lines, name)
		if random(lines) {
			if len(got) != len(want) || got == want {
				t.Errorf("%s: Get(%s) = %q; want other digits than %q", lines, name, got, want)
			}
			continue
		}
		if got != want {
			t.Errorf("%s: Get(%s) = %q; want %q", lines, name, got, want)
		}
	}
	for _, k := range keys {
		if !asked[k.name] {
			t.Errorf("testdata/getters has nothing on %s", k.name)
		}
	}
}

func getter(lines, name string) string {
	c := New("/usr/lib/x86_64-linux-gnu/lxc/rootfs")
	if err := c.Parse("config", strings.ReplaceAll(lines, ";", "\n")); err != nil {
		return "!load"
	}
	value, err := c.Get(name)
	if err != nil {
		return "!invalid"
	}
	return strings.ReplaceAll(value, "\n", `\n`)
}
