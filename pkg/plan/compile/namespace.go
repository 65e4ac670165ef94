package compile

import (
	"slices"
	"strconv"

	"gantry/pkg/config"
	"gantry/pkg/plan"
)

// kinds are the kinds of namespaces in LXC's order, and when a container gets
// one of its own unless lxc.namespace.clone or keep say.
var kinds = []struct {
	name string
	own  func(*compiler) bool
}{
	{"user", func(m *compiler) bool { return len(m.c.IDMap) > 0 }},
	{"mnt", always},
	{"pid", always},
	{"uts", always},
	{"ipc", always},
	{"net", func(m *compiler) bool { return !m.hostNetwork() }},
	{"cgroup", func(m *compiler) bool { return m.Facts.CgroupNamespaces }},
	{"time", func(m *compiler) bool { return m.c.Time.Boot.V != none || m.c.Time.Monotonic.V != none }},
}

func always(*compiler) bool { return true }

var none config.TimeOffset

// hostNetwork says whether all network devices are of type none, of which
// there is at least one.
func (m *compiler) hostNetwork() bool {
	return len(m.c.Networks) > 0 &&
		!slices.ContainsFunc(m.c.Networks, func(n *config.Network) bool { return n.Type.V != "none" })
}

// namespaces decides which namespaces are made and which are joined.
func (m *compiler) namespaces() error {
	clone, keep := m.c.Namespace.Clone, m.c.Namespace.Keep
	for _, k := range kinds {
		if i := slices.IndexFunc(m.c.Namespace.Share, func(s config.Member[string]) bool { return s.Name == k.name }); i >= 0 {
			share := m.c.Namespace.Share[i]
			m.plan.Namespaces = append(m.plan.Namespaces, plan.Namespace{Kind: k.name, Share: share.V, Origin: share.Origin})
			continue
		}
		own, origin := k.own(m), plan.Origin{}
		switch {
		case keep.V != 0:
			own, origin = !keep.V.Has(k.name) && m.available(k.name), keep.Origin
		case clone.V != 0:
			own, origin = clone.V.Has(k.name), clone.Origin
		}
		if own {
			m.plan.Namespaces = append(m.plan.Namespaces, plan.Namespace{Kind: k.name, Origin: origin})
		}
	}
	return m.checkNamespaces()
}

// available says whether the kernel has the kind.
func (m *compiler) available(kind string) bool {
	switch kind {
	case "cgroup":
		return m.Facts.CgroupNamespaces
	case "time":
		return m.Facts.TimeNamespaces
	}
	return true
}

// checkNamespaces refuses what could not start, or would act on the host.
func (m *compiler) checkNamespaces() error {
	wanted := first(m.c.Namespace.Clone.Origin, m.c.Namespace.Keep.Origin)
	switch {
	case m.makes("user") && len(m.c.IDMap) == 0:
		if m.c.Namespace.Keep.V != 0 {
			return fail(wanted, "asks for a user namespace, which needs lxc.idmap (add user to the list to keep the host's)")
		}
		return fail(wanted, "asks for a user namespace, which needs lxc.idmap (add lines u and g)")
	case !m.makes("mnt") && m.share("mnt") == nil:
		return fail(wanted, "leaves the container in the host's mount namespace (it needs one of its own)")
	case m.c.Time.Boot.V != none && !m.makes("time"):
		return fail(m.c.Time.Boot.Origin, "needs a time namespace of the container's own")
	case m.c.Time.Monotonic.V != none && !m.makes("time"):
		return fail(m.c.Time.Monotonic.Origin, "needs a time namespace of the container's own")
	case m.makes("time") && !m.available("time"):
		return fail(first(m.c.Time.Boot.Origin, m.c.Time.Monotonic.Origin, wanted), "the kernel has no time namespaces")
	case m.makes("cgroup") && !m.available("cgroup"):
		return fail(wanted, "the kernel has no cgroup namespaces")
	case m.c.SchedCore.V && !m.makes("pid"):
		return fail(m.c.SchedCore.Origin, "core scheduling needs a pid namespace of the container's own")
	}
	return nil
}

// makes says whether the container gets a new namespace of a kind.
func (m *compiler) makes(kind string) bool {
	return slices.ContainsFunc(m.plan.Namespaces, func(n plan.Namespace) bool { return n.Kind == kind && n.Share == "" })
}

// share gives the namespace of a kind that is joined, if any.
func (m *compiler) share(kind string) *plan.Namespace {
	for i := range m.plan.Namespaces {
		if n := &m.plan.Namespaces[i]; n.Kind == kind && n.Share != "" {
			return n
		}
	}
	return nil
}

// timens is what /proc/PID/timens_offsets takes (time_namespaces(7)).
func timens(boot, monotonic config.TimeOffset) (text string) {
	for _, clock := range []struct {
		name   string
		offset config.TimeOffset
	}{{"monotonic", monotonic}, {"boottime", boot}} {
		if clock.offset != none {
			o := normal(clock.offset)
			text += clock.name + " " + strconv.FormatInt(o.Seconds, 10) + " " + strconv.FormatInt(o.Nanoseconds, 10) + "\n"
		}
	}
	return text
}

// normal brings the nanoseconds into the range the kernel takes, 0 to 999999999.
func normal(o config.TimeOffset) config.TimeOffset {
	const second = 1e9
	o.Seconds, o.Nanoseconds = o.Seconds+o.Nanoseconds/second, o.Nanoseconds%second
	if o.Nanoseconds < 0 {
		o.Seconds, o.Nanoseconds = o.Seconds-1, o.Nanoseconds+second
	}
	return o
}
