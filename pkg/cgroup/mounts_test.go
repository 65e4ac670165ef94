package cgroup

import (
	"strings"
	"testing"

	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// show prints a step the way mount(8) would take it.
func show(s plan.Step) string {
	words := []string{string(s.Op)}
	if s.Op == plan.OpMount {
		if s.Options.Bind {
			words = append(words, "bind")
		}
		if s.Options.Set&unix.MOUNT_ATTR_RDONLY != 0 {
			words = append(words, "ro")
		}
		if s.FSType != "" {
			words = append(words, s.FSType)
		}
		words = append(words, s.Source)
		if s.Relative {
			words = append(words, "inside")
		}
		if s.Options.Data != "" {
			words = append(words, s.Options.Data)
		}
	}
	return strings.Join(append(words, s.Path), " ")
}

func TestMountSteps(t *testing.T) {
	hybrid := Host{Layout: Hybrid, Hierarchies: []Hierarchy{
		{1, []string{"cpu", "cpuacct"}, "/sys/fs/cgroup/cpu,cpuacct", "/"},
		{2, nil, "/sys/fs/cgroup/unified", "/u"},
	}}
	legacy := Host{Layout: Legacy, Hierarchies: []Hierarchy{{1, []string{"name=systemd"}, "/sys/fs/cgroup/systemd", "/"}}}
	pure := Host{Layout: Unified, Hierarchies: []Hierarchy{{2, []string{"cpu"}, "/sys/fs/cgroup", "/"}}}
	const tmpfs = "mount tmpfs none mode=0755,size=10240k /sys/fs/cgroup|"
	full := tmpfs + "mkdir /sys/fs/cgroup/cpu,cpuacct|mount cgroup none cpu,cpuacct /sys/fs/cgroup/cpu,cpuacct|" +
		"mkdir /sys/fs/cgroup/unified|mount cgroup2 none /sys/fs/cgroup/unified"
	own := func(top, dir, access string) string {
		upper, lower := "", ""
		if access != "rw" {
			upper = "mount bind ro " + top + " inside " + top + "|"
		}
		if access == "ro" {
			lower = "ro "
		}
		return "mkdir " + top + "|mkdir " + top + dir + "|" + upper + "mount bind " + lower + top + dir + " " + top + dir
	}
	owns := func(access string) string {
		return tmpfs + own("/sys/fs/cgroup/cpu,cpuacct", "/lxc.payload.x", access) + "|" + own("/sys/fs/cgroup/unified", "/u/lxc.payload.x", access)
	}
	tests := []struct {
		token                string
		host                 Host
		namespaced, sysadmin bool
		want                 string
	}{
		{"cgroup:mixed", hybrid, true, true, ""},
		{"cgroup:mixed:force", hybrid, true, true, full},
		{"cgroup", hybrid, true, false, full},
		{"cgroup-full:rw", hybrid, true, true, ""},
		{"cgroup-full:mixed", hybrid, false, true, full},
		{"cgroup:mixed", hybrid, false, true, owns("mixed")},
		{"cgroup:rw", hybrid, false, true, owns("rw")},
		{"cgroup:ro:force", hybrid, false, true, owns("ro")},
		{"cgroup", hybrid, false, true, owns("rw")},
		{"cgroup", hybrid, false, false, owns("mixed")},
		{"cgroup-full:ro", legacy, false, true, tmpfs + "mkdir /sys/fs/cgroup/systemd|mount ro cgroup none name=systemd /sys/fs/cgroup/systemd"},
		{"cgroup2", hybrid, true, true, "mount cgroup2 none /sys/fs/cgroup"},
		{"cgroup2:ro", hybrid, true, true, "mount ro cgroup2 none /sys/fs/cgroup"},
		{"cgroup2", legacy, true, true, "error"},
		{"cgroup2", hybrid, false, true, "error"},
		{"cgroup:mixed", pure, true, true, "mount cgroup2 none /sys/fs/cgroup"},
		{"cgroup:ro", pure, true, true, "mount ro cgroup2 none /sys/fs/cgroup"},
		{"cgroup:ro", pure, false, true, "error"},
		{"cgroup:ro", Host{}, true, true, ""},
		{"cgroup:r", hybrid, true, true, "error"},
		{"cgroup:force:ro", hybrid, true, true, "error"},
		{"proc", hybrid, true, true, "error"},
	}
	for _, test := range tests {
		s := test.host.named(plan.Cgroup{}, "x", "/p/x", 0)
		steps, err := s.MountSteps(test.token, test.namespaced, test.sysadmin)
		var lines []string
		for _, step := range steps {
			lines = append(lines, show(step))
		}
		got := strings.Join(lines, "|")
		if err != nil {
			got = "error"
		}
		if got != test.want {
			t.Errorf("%s on %v, namespaced %v, sysadmin %v:\n got %s\nwant %s", test.token, test.host.Layout, test.namespaced, test.sysadmin, got, test.want)
		}
	}
}
