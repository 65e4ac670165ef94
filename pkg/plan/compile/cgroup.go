package compile

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"gantry/pkg/config"
	"gantry/pkg/plan"
)

// last is the limit that the kernel takes only when memory.limit_in_bytes is
// no higher: it is written after all others.
const last = "memory.memsw.limit_in_bytes"

// cgroup says where the cgroups lie and what is written to them.
func (m *compiler) cgroup() (err error) {
	c := m.c.Cgroup
	if m.plan.Cgroup, err = Cgroup(m.c, m.CgroupPattern, m.CgroupUse); err != nil {
		return err
	}
	m.plan.Cgroup.Origin = first(c.Dir.Parent.Origin, c.Dir.Container.Origin)
	m.plan.Cgroup.Legacy = writes(c.Legacy)
	m.plan.Cgroup.Unified = writes(c.Unified)
	return nil
}

// Cgroup says where the cgroups of a container lie, also to who looks for them
// without starting it. pattern and use are those of Options.
func Cgroup(c *config.Config, pattern string, use []string) (plan.Cgroup, error) {
	d := c.Cgroup.Dir
	where := plan.Cgroup{
		Dir:      d.Parent.V,
		Payload:  d.Container.V,
		Monitor:  d.Monitor.V,
		Pivot:    d.Pivot.V,
		Inner:    d.Inner.V,
		Pattern:  pattern,
		Use:      use,
		Relative: c.Cgroup.Relative.V,
	}
	switch {
	case d.Parent.V != "" && (d.Container.V != "" || d.Monitor.V != ""):
		return where, fail(d.Parent.Origin, "conflicts with lxc.cgroup.dir.container and lxc.cgroup.dir.monitor (keep one or the others)")
	case d.Container.V != "" && d.Monitor.V == "":
		return where, fail(d.Container.Origin, "needs lxc.cgroup.dir.monitor too")
	case d.Monitor.V != "" && d.Container.V == "":
		return where, fail(d.Monitor.Origin, "needs lxc.cgroup.dir.container too")
	case d.Container.V != "" && d.Container.V == d.Monitor.V:
		return where, fail(d.Monitor.Origin, "is lxc.cgroup.dir.container as well (the monitor needs a cgroup of its own)")
	case d.Inner.V != "" && d.Container.V == "":
		return where, fail(d.Inner.Origin, "needs lxc.cgroup.dir.container too")
	case slices.Contains(strings.Split(pattern, "/"), ".."):
		return where, errors.New("lxc.cgroup.pattern: " + strconv.Quote(pattern) + " walks upwards via \"..\" (change it in lxc.conf)")
	}
	return where, nil
}

// writes orders the lines of one generation.
func writes(members []config.Member[string]) (list []plan.CgroupWrite) {
	var late []plan.CgroupWrite
	for _, k := range members {
		w := plan.CgroupWrite{File: k.Name, Value: k.V, Origin: k.Origin}
		if k.Name == last {
			late = append(late, w)
		} else {
			list = append(list, w)
		}
	}
	return append(list, late...)
}
