package cgroup

import (
	"bytes"
	"strings"
	"testing"

	"gantry/internal/log"
	"gantry/pkg/plan"
)

// writes makes lines of a configuration.
func writes(prefix string, lines ...string) []plan.CgroupWrite {
	var ws []plan.CgroupWrite
	for i, line := range lines {
		file, value, _ := strings.Cut(line, "=")
		ws = append(ws, plan.CgroupWrite{File: file, Value: value, Origin: plan.Origin{File: "web.conf", Line: i + 1, Key: prefix + file}})
	}
	return ws
}

func legacy(lines ...string) plan.Cgroup {
	return plan.Cgroup{Legacy: writes("lxc.cgroup.", lines...)}
}

// value reads a file of the limit cgroup.
func value(t *testing.T, s *Set, file string) string {
	t.Helper()
	h, err := s.hierarchyOf(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readFile(h.Dir(s.Limit) + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// version1 gives the machine's hierarchies; these tests are about version 1.
func version1(t *testing.T) Host {
	host := detected(t)
	if host.Layout == Unified {
		t.Skip("the host has no cgroup version 1")
	}
	return host
}

func TestLimitsV1(t *testing.T) {
	s := create(t, version1(t), plan.Cgroup{}, "/p/a")
	var out bytes.Buffer
	l := &log.Logger{Prog: "test", File: &out}
	c := legacy("memory.limit_in_bytes=10485760", "memory.memsw.limit_in_bytes=20971520", "cpu.shares=100", "cpu.shares=512", "pids.max=10", "devices.deny=a")
	c.Unified = writes("lxc.cgroup2.", "memory.max=1")
	if err := s.Limits(c, l); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"memory.limit_in_bytes": "10485760", "memory.memsw.limit_in_bytes": "20971520", "cpu.shares": "512", "pids.max": "10",
		"devices.list": "a *:* rwm", "cgroup.procs": "",
	} {
		if file == "cgroup.procs" {
			continue
		}
		if got := value(t, s, file); got != want {
			t.Errorf("%s is %q; want %q", file, got, want)
		}
	}
	if !strings.Contains(out.String(), "web.conf:1: lxc.cgroup2.memory.max") {
		t.Errorf("log %q; want a warning about lxc.cgroup2.memory.max", out.String())
	}
}

func TestLimitErrors(t *testing.T) {
	s := create(t, version1(t), plan.Cgroup{}, "/p/a")
	for line, want := range map[string]string{
		"memory.limit_in_bytes=lots":         "invalid argument",
		"memory.bogus=1":                     "no such file",
		"bogus.x=1":                          "no cgroup hierarchy with the controller bogus",
		"memory/../../memory.limit_in_bytes": "without a slash",
	} {
		err := s.Limits(legacy(line), nil)
		file, _, _ := strings.Cut(line, "=")
		if err == nil || !strings.HasPrefix(err.Error(), "web.conf:1: lxc.cgroup."+file+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("Limits(%s) = %v; want web.conf:1 and %q", line, err, want)
		}
	}
}

func TestLimitsV2(t *testing.T) {
	s := create(t, unified(t), plan.Cgroup{}, "/p/a")
	c := plan.Cgroup{
		Legacy:  writes("lxc.cgroup.", "memory.limit_in_bytes=1"),
		Unified: writes("lxc.cgroup2.", "cgroup.max.depth=7", "devices.deny=a", "devices.allow=c 1:3 rwm"),
	}
	if err := s.Limits(c, nil); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "cgroup.max.depth"); got != "7" {
		t.Errorf("cgroup.max.depth is %s; want 7", got)
	}
	if err := s.LimitDevices(c, nil); err != nil {
		t.Fatal(err)
	}
	if d := s.Devices; !d.Active || d.AllowAll || len(d.Rules) != 1 {
		t.Errorf("Devices = %+v; want one rule", d)
	}
	c.Unified = writes("lxc.cgroup2.", "bogus.max=1")
	if err := s.Limits(c, nil); err == nil || !strings.Contains(err.Error(), "web.conf:1: lxc.cgroup2.bogus.max: there is no such file") {
		t.Errorf("Limits(bogus.max) = %v", err)
	}
	c.Unified = writes("lxc.cgroup2.", "devices.allow=x")
	if err := s.LimitDevices(c, nil); err == nil || !strings.Contains(err.Error(), "web.conf:1: lxc.cgroup2.devices.allow: ") {
		t.Errorf("LimitDevices(x) = %v", err)
	}
}

func TestDevicesV1(t *testing.T) {
	for _, c := range []plan.Cgroup{
		{},
		{Monitor: unique(t) + "/m", Payload: unique(t) + "/c", Inner: "ns"},
	} {
		c.Legacy = writes("lxc.cgroup.", "devices.deny=a", "devices.allow=c 1:3 rwm", "devices.allow=/dev/zero rw", "cpuset.mems=0")
		s := create(t, version1(t), c, "/p/a")
		if err := s.Limits(c, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.LimitDevices(c, nil); err != nil {
			t.Fatal(err)
		}
		if got, want := value(t, s, "devices.list"), "c 1:3 rwm\nc 1:5 rw"; got != want {
			t.Errorf("devices.list is %q; want %q", got, want)
		}
	}
}

func TestUsable(t *testing.T) {
	for _, test := range []struct{ cpus, isolated, offline, want string }{
		{"0-3", "", "\n", "0-3"},
		{"0-3,8", "2\n", "", "0,1,3,8"},
		{"0-3", "0-1", "2-3,5", "0-3"},
		{"0-3", "bogus", "1-x", "0-3"},
	} {
		if got := usable(test.cpus, test.isolated, test.offline); got != test.want {
			t.Errorf("usable(%q, %q, %q) = %q; want %q", test.cpus, test.isolated, test.offline, got, test.want)
		}
	}
}

func TestParseDeviceRule(t *testing.T) {
	for text, want := range map[string]string{
		"a": "a", "a *:* rwm": "a", "c *:* m": "c *:* m", "b 8:0 rw": "b 8:0 rw", "/dev/null rwm": "c 1:3 rwm",
		"": "", "c": "", "c 1:3": "", "c 1 rwm": "", "d 1:3 rwm": "", "c 1:3 x": "", "c -1:3 r": "", "c 1:3 rwmr": "", "/dev/null": "", "/etc rw": "", "/dev/bogus r": "",
		"c 4294967296:0 r": "",
	} {
		rule, err := ParseDeviceRule("devices.allow", text)
		if got := rule.Value(); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("ParseDeviceRule(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := ParseDeviceRule("devices.list", "a"); err == nil {
		t.Error("devices.list was taken for a rule")
	}
}

func TestDevicesAdd(t *testing.T) {
	var d Devices
	for _, line := range []string{"deny a", "allow c 1:3 rw", "allow c 1:3 rwm", "deny c 1:3 w", "allow c 1:5 r"} {
		action, rule, _ := strings.Cut(line, " ")
		r, err := ParseDeviceRule("devices."+action, rule)
		if err != nil {
			t.Fatal(err)
		}
		d.Add(r)
	}
	var got []string
	for _, r := range d.Rules {
		got = append(got, r.File()+" "+r.Value())
	}
	if want := "devices.allow c 1:3 rwm|devices.deny c 1:3 w|devices.allow c 1:5 r"; strings.Join(got, "|") != want {
		t.Errorf("rules %v; want %s", got, want)
	}
	d.Add(DeviceRule{Allow: true, Type: 'a'})
	if !d.AllowAll || len(d.Rules) != 0 {
		t.Errorf("after allow a: %+v", d)
	}
}
