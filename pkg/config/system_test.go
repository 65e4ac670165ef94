package config

import (
	"slices"
	"testing"

	"gantry/internal/paths"
)

func TestSystem(t *testing.T) {
	p := &paths.Paths{LXCPath: "/var/lib/lxc", DefaultConfig: "/etc/lxc/default.conf"}
	p.SystemConfig = write(t, t.TempDir(), "lxc.conf", "#lxc.lxcpath = /no\n  lxc.lxcpath=  /srv/lxc//\nlxc.lxcpath = /second\n"+
		"lxc.cgroup.use = memory,pids\nlxc.cgroup.patterns = no\n # lxc.cgroup.pattern = no\nlxc.cgroup.pattern = \"my\"/%n # x\n")
	s, err := LoadSystem(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"lxc.lxcpath":        "/srv/lxc",
		"lxc.default_config": "/etc/lxc/default.conf",
		"lxc.cgroup.pattern": `"my"/%n # x`,
	} {
		if got, ok := s.item(name); !ok || got != want {
			t.Errorf("item(%s) = %q, %v; want %q", name, got, ok, want)
		}
	}
	if _, ok := s.item("lxc.nonsense"); ok {
		t.Error("item(lxc.nonsense) is known")
	}
	if got, want := s.CgroupPattern("web"), `"my"/web # x`; got != want {
		t.Errorf("CgroupPattern(web) = %q; want %q", got, want)
	}
	if got, want := s.CgroupUse(), []string{"memory", "pids"}; !slices.Equal(got, want) {
		t.Errorf("CgroupUse() = %q; want %q", got, want)
	}
}

func TestSystemWithoutFile(t *testing.T) {
	s, err := LoadSystem(&paths.Paths{SystemConfig: "/nonexistent/lxc.conf", LXCPath: "/var/lib/lxc"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.LXCPath(); got != "/var/lib/lxc" {
		t.Errorf("LXCPath() = %q; want the default", got)
	}
	if got := s.CgroupUse(); got != nil {
		t.Errorf("CgroupUse() = %q; want nil", got)
	}
}
