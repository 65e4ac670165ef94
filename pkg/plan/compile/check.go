package compile

import (
	"strings"

	"gantry/pkg/config"
	"gantry/pkg/plan"
)

// laterTypes are the backing stores that are not built yet.
var laterTypes = " btrfs loop lvm nbd overlay overlayfs rbd zfs "

// laterNetwork has the keys of network devices whose effect is not built yet:
// lxc-start fails instead of leaving it out.
var laterNetwork = []struct {
	what string
	uses func(*config.Network) (plan.Origin, bool)
}{
	{"type vlan", func(n *config.Network) (plan.Origin, bool) { return n.Type.Origin, n.Type.V == "vlan" }},
	{"type ipvlan", func(n *config.Network) (plan.Origin, bool) { return n.Type.Origin, n.Type.V == "ipvlan" }},
	{"router mode", func(n *config.Network) (plan.Origin, bool) {
		return n.Veth.Mode.Origin, n.Veth.Mode.V == "router"
	}},
	{"a vlan on the bridge", func(n *config.Network) (plan.Origin, bool) { return n.Veth.VLAN.Origin, n.Veth.VLAN.V.Set }},
	{"a vlan on the bridge", func(n *config.Network) (o plan.Origin, set bool) {
		if len(n.Veth.Tagged) > 0 {
			return n.Veth.Tagged[0].Origin, true
		}
		return o, false
	}},
	{"proxying addresses", func(n *config.Network) (plan.Origin, bool) { return n.L2Proxy.Origin, n.L2Proxy.V }},
}

const notYet = " is not supported yet (remove the line)"

// unsupported refuses the keys whose effect is not built yet.
func (m *compiler) unsupported() error {
	if r := m.c.Rootfs.Path; strings.Contains(laterTypes, " "+r.V.Type+" ") && r.V.Type != "" {
		return fail(r.Origin, "a rootfs of type ", r.V.Type, " is not supported yet (use dir:)")
	}
	for _, n := range m.c.Networks {
		for _, k := range laterNetwork {
			if o, uses := k.uses(n); uses {
				return fail(o, k.what, notYet)
			}
		}
	}
	return nil
}
