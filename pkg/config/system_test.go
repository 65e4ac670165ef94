package config

import (
	"slices"
	"strings"
	"testing"

	"gantry/internal/paths"
)

func TestSystem(t *testing.T) {
	p := &paths.Paths{LXCPath: "/var/lib/lxc", DefaultConfig: "/etc/lxc/default.conf"}
	p.SystemConfig = write(t, t.TempDir(), "lxc.conf", "#lxc.lxcpath = /no\n  lxc.lxcpath=  /srv/lxc//\nlxc.lxcpath = /second\n"+
		"lxc.cgroup.use = memory,pids\nlxc.cgroup.pattern = my/%n\nlxc.bdev.lvm.vgx = no\n # lxc.bdev.lvm.vg = no\nlxc.bdev.zfs.root = \"tank\" # x\n")
	s, err := LoadSystem(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"lxc.lxcpath":            "/srv/lxc",
		"lxc.default_config":     "/etc/lxc/default.conf",
		"lxc.bdev.lvm.vg":        "lxc",
		"lxc.bdev.lvm.thin_pool": "lxc",
		"lxc.bdev.zfs.root":      `"tank" # x`,
		"lxc.bdev.rbd.rbdpool":   "lxc",
		"lxc.cgroup.pattern":     "my/%n",
	} {
		if got, ok := s.Item(name); !ok || got != want {
			t.Errorf("Item(%s) = %q, %v; want %q", name, got, ok, want)
		}
	}
	if _, ok := s.Item("lxc.nonsense"); ok {
		t.Error("Item(lxc.nonsense) is known")
	}
	if got, want := s.CgroupPattern("web"), "my/web"; got != want {
		t.Errorf("CgroupPattern(web) = %q; want %q", got, want)
	}
	if got, want := s.CgroupUse(), []string{"memory", "pids"}; !slices.Equal(got, want) {
		t.Errorf("CgroupUse() = %q; want %q", got, want)
	}
	for word, want := range map[string]string{"lxc": "/etc/lxc/default.conf", "lxc.bdev": "lxc", "lxc.cgroup": "memory,pids"} {
		if got, known := s.Lookup(word); !known || got != want {
			t.Errorf("Lookup(%s) = %q, %v; want %q", word, got, known, want)
		}
	}
	if _, known := s.Lookup("x"); known {
		t.Error("Lookup(x) is known")
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
	if got, known := s.Lookup("lxc.cgroup.use"); !known || got != "" {
		t.Errorf("Lookup(lxc.cgroup.use) = %q, %v; want known and unset", got, known)
	}
}

func FuzzSystem(f *testing.F) {
	f.Add("lxc.lxcpath = /srv\nlxc.cgroup.pattern = a/%n\nlxc.cgroup.use=a,b\n")
	f.Add("# lxc.lxcpath = /no\n lxc.lxcpath\n=\nlxc.lxcpath\t=\t")
	f.Fuzz(func(t *testing.T, text string) {
		s := &System{lines: splitLines(text), paths: &paths.Paths{LXCPath: "/var/lib/lxc"}}
		if path := s.LXCPath(); len(path) > 1 && strings.HasSuffix(path, "/") {
			t.Errorf("LXCPath() = %q; want no slash at its end", path)
		}
		if pattern := s.CgroupPattern("web"); strings.Contains(pattern, "%n") {
			t.Errorf("CgroupPattern(web) = %q; want %%n replaced", pattern)
		}
		s.CgroupUse()
	})
}
