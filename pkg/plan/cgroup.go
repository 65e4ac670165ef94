package plan

// Cgroup says where the container's cgroups lie and what is written to them.
// Paths are relative to the base of each hierarchy (reference: lxc.cgroup.dir
// of lxc.container.conf(5)).
type Cgroup struct {
	Dir      string   // lxc.cgroup.dir: parent of both
	Payload  string   // lxc.cgroup.dir.container: exact, no suffix
	Monitor  string   // lxc.cgroup.dir.monitor: exact, no suffix
	Pivot    string   // lxc.cgroup.dir.monitor.pivot
	Inner    string   // lxc.cgroup.dir.container.inner: processes live here, limits on Payload
	Pattern  string   // lxc.cgroup.pattern of lxc.conf, %n replaced
	Use      []string // lxc.cgroup.use of lxc.conf; nil is all
	Relative bool     // base is the caller's own cgroup, not pid 1's
	Origin   Origin
	Legacy   []CgroupWrite // lxc.cgroup.KEY, v1 and hybrid
	Unified  []CgroupWrite // lxc.cgroup2.KEY
}

// A CgroupWrite is one lxc.cgroup.FILE or lxc.cgroup2.FILE line.
type CgroupWrite struct {
	File, Value string
	Origin      Origin
}
