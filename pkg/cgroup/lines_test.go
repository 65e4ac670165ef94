package cgroup

import (
	"reflect"
	"strings"
	"testing"

	"gantry/pkg/plan"
)

// sample is a hybrid host's Set with every field in use.
func sample() *Set {
	s := Host{Layout: Hybrid, Hierarchies: []Hierarchy{
		{1, []string{"cpu", "cpuacct"}, "/sys/fs/cgroup/cpu,cpuacct", "/"},
		{1, []string{"name=systemd"}, "/sys/fs/cgroup/systemd", "/user.slice/a b"},
		{2, nil, "/sys/fs/cgroup/unified", "/"},
	}}.named(plan.Cgroup{Dir: "d"}, "web site", "/var/lib/lxc/web site", 3)
	s.Devices = Devices{Active: true, AllowAll: true, Rules: []DeviceRule{{false, 'c', 1, -1, "rw"}}}
	return s
}

func TestLines(t *testing.T) {
	want := sample()
	got, err := Parse(want.Lines())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Parse(Lines) = %+v; want %+v", got, want)
	}
	for _, bad := range []string{"", "bogus x", "mount /sys/fs/cgroup", "devices.allow q"} {
		if _, err := Parse([]string{bad}); err == nil {
			t.Errorf("Parse(%q) succeeded", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(strings.Join(sample().Lines(), "\n"))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(strings.Split(text, "\n"))
		if err != nil {
			return
		}
		again, err := Parse(s.Lines())
		if err != nil || !reflect.DeepEqual(again.Lines(), s.Lines()) {
			t.Errorf("%q: printed and parsed again gives %v, %v", text, again, err)
		}
	})
}

func TestFind(t *testing.T) {
	s := sample()
	for controller, want := range map[string]string{
		"cpuacct": "/d/lxc.payload.web site-3", "name=systemd": "/user.slice/a b/d/lxc.payload.web site-3", "": "/d/lxc.payload.web site-3",
		"freezer": "", "systemd": "", "bogus": "",
	} {
		got := ""
		if h, ok := s.Find(controller); ok {
			got = h.Path(s.Payload)
		}
		if got != want {
			t.Errorf("Find(%q): %q; want %q", controller, got, want)
		}
	}
	s = &Set{Host: Host{Layout: Unified, Hierarchies: []Hierarchy{{2, []string{"cpu"}, "/sys/fs/cgroup", "/"}}}}
	for controller, want := range map[string]bool{"cpu": true, "devices": true, "freezer": true, "": true, "memory": false} {
		if _, got := s.Find(controller); got != want {
			t.Errorf("unified: Find(%q) = %v; want %v", controller, got, want)
		}
	}
	if s.Utilities() != 3 || sample().Utilities() != 0 {
		t.Errorf("Utilities = %d and %d; want 3 and 0", s.Utilities(), sample().Utilities())
	}
}
