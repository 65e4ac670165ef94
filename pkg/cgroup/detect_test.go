package cgroup

import (
	"os"
	"reflect"
	"testing"

	"gantry/pkg/plan"
)

const systemdMounts = `25 30 0:23 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,size=4096k
26 25 0:24 / /sys/fs/cgroup/unified rw,nosuid shared:1 - cgroup2 cgroup2 rw,nsdelegate
27 25 0:25 / /sys/fs/cgroup/systemd rw,nosuid shared:2 - cgroup cgroup rw,xattr,name=systemd
28 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:3 - cgroup cgroup rw,cpu,cpuacct
29 25 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:4 - cgroup cgroup rw,memory
31 25 0:27 / /mnt/my\040memory rw,nosuid shared:4 - cgroup cgroup rw,memory
`

func TestHierarchies(t *testing.T) {
	tests := []struct {
		name, mounts, member string
		prune                bool
		want                 []Hierarchy
	}{
		{"unified", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/init.scope\n", true,
			[]Hierarchy{{2, nil, "/sys/fs/cgroup", "/"}}},
		{"relative keeps init.scope", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/init.scope\n", false,
			[]Hierarchy{{2, nil, "/sys/fs/cgroup", "/init.scope"}}},
		{"hybrid", systemdMounts, "3:cpuacct,cpu:/\n2:memory:/user.slice\n9:pids:/\n1:name=systemd:/init.scope\n0::/init.scope\n", true,
			[]Hierarchy{
				{1, []string{"cpuacct", "cpu"}, "/sys/fs/cgroup/cpu,cpuacct", "/"},
				{1, []string{"memory"}, "/sys/fs/cgroup/memory", "/user.slice"},
				{1, []string{"name=systemd"}, "/sys/fs/cgroup/systemd", "/"},
				{2, nil, "/sys/fs/cgroup/unified", "/"},
			}},
		{"part of a tree is mounted", "30 1 0:26 /docker/a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/docker/a/x\n", true,
			[]Hierarchy{{2, nil, "/sys/fs/cgroup", "/x"}}},
		{"another part is mounted", "30 1 0:26 /docker/a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/docker/ab\n", true, nil},
		{"outside of the namespace", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/../x\n", true, nil},
		{"blank in the mount point", "31 25 0:27 / /mnt/my\\040memory rw - cgroup cgroup rw,memory\n", "2:memory:/\n", true,
			[]Hierarchy{{1, []string{"memory"}, "/mnt/my memory", "/"}}},
		{"hidden", systemdMounts + "40 25 0:99 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,pids\n", "9:pids:/\n", true,
			[]Hierarchy{{1, []string{"pids"}, "/sys/fs/cgroup/memory", "/"}}},
		{"rubbish", "a - cgroup\n - cgroup2 x y\n", "x\n1:2\n:::\n", true, nil},
	}
	for _, test := range tests {
		if got := hierarchies(test.mounts, test.member, test.prune); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: hierarchies() = %+v; want %+v", test.name, got, test.want)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, test := range []struct {
		base, rel, path, dir string
	}{
		{"/", "", "/", "/m"},
		{"/", "a/b", "/a/b", "/m/a/b"},
		{"/x", "", "/x", "/m/x"},
		{"/x", "a", "/x/a", "/m/x/a"},
	} {
		h := Hierarchy{Mount: "/m", Base: test.base}
		if path, dir := h.Path(test.rel), h.Dir(test.rel); path != test.path || dir != test.dir {
			t.Errorf("base %s, %q: Path, Dir = %q, %q; want %q, %q", test.base, test.rel, path, dir, test.path, test.dir)
		}
	}
}

func TestDetect(t *testing.T) {
	host := detected(t)
	for _, h := range host.Hierarchies {
		if _, err := os.Stat(h.Dir("") + "/cgroup.procs"); err != nil {
			t.Errorf("%+v: %v", h, err)
		}
	}
	if _, err := Detect(plan.Cgroup{Use: []string{"bogus"}}, nil); err == nil {
		t.Error("Detect with a bogus controller in lxc.cgroup.use succeeded")
	}
	if v1 := host.Hierarchies[0]; v1.Version == 1 {
		got, err := Detect(plan.Cgroup{Use: v1.Controllers}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range got.Hierarchies {
			if h.Version == 1 && !reflect.DeepEqual(h, v1) {
				t.Errorf("lxc.cgroup.use = %v uses %v as well", v1.Controllers, h.Controllers)
			}
		}
	}
}

func FuzzHierarchies(f *testing.F) {
	f.Add(systemdMounts, "3:cpuacct,cpu:/\n0::/init.scope\n", true)
	f.Fuzz(func(t *testing.T, mounts, member string, prune bool) {
		for _, h := range hierarchies(mounts, member, prune) {
			if h.Base == "" || h.Base[0] != '/' {
				t.Errorf("base %q is not absolute", h.Base)
			}
			layoutOf([]Hierarchy{h})
		}
	})
}
