package network

import (
	"fmt"
	"net/netip"
	"slices"

	"gantry/pkg/plan"
)

// at is an error about the line that set lxc.net.N.KEY.
func at(d *plan.Network, key, format string, args ...any) error {
	where, ok := d.Origins[key]
	if !ok {
		where = d.Origin
		where.Key = fmt.Sprintf("lxc.net.%d.%s", d.Index, key)
	}
	return of(where, format, args...)
}

// of is an error about the line where says.
func of(where plan.Origin, format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{where}, args...)...)
}

// A rule is something a device's configuration must not be.
type rule struct {
	key    string // whose line is to blame
	breaks func(*plan.Network) bool
	text   string
}

// rules are what the configuration alone decides, checked before anything is
// made.
var rules = []rule{
	{"type", func(d *plan.Network) bool { return kinds[d.Type] == nil },
		"network devices of this type are not supported yet (use veth, macvlan, phys, empty or none)"},
	{"veth.mode", func(d *plan.Network) bool { return d.Veth.Mode == "router" },
		"router mode is not supported yet (use bridge)"},
	{"veth.vlan.id", func(d *plan.Network) bool { return d.Veth.VLAN != nil },
		"VLANs on a bridge are not supported yet (remove the line)"},
	{"veth.vlan.tagged.id", func(d *plan.Network) bool { return len(d.Veth.TaggedVLANs) > 0 },
		"VLANs on a bridge are not supported yet (remove the line)"},
	{"l2proxy", func(d *plan.Network) bool { return d.L2Proxy },
		"proxied addresses are not supported yet (remove the line)"},
	{"link", func(d *plan.Network) bool {
		return d.Link == "" && slices.Contains([]string{"macvlan", "phys"}, d.Type)
	},
		"a macvlan or phys device needs a link (name a device of the host)"},
	{"link", func(d *plan.Network) bool { return d.Type == "phys" && d.Link == "lo" },
		"lo cannot leave the host (name another device)"},
	{"name", func(d *plan.Network) bool { return d.Type == "empty" && d.Name != "" && d.Name != "lo" },
		"an empty network has lo only, which cannot have another name (remove the line)"},
	{"ipv4.gateway", func(d *plan.Network) bool { return d.Gateway4.Kind != "" && !d.Up },
		"a gateway needs a device that is up (set lxc.net.N.flags = up)"},
	{"ipv6.gateway", func(d *plan.Network) bool { return d.Gateway6.Kind != "" && !d.Up },
		"a gateway needs a device that is up (set lxc.net.N.flags = up)"},
	{"ipv4.gateway", func(d *plan.Network) bool { return d.Gateway4.Kind != "" && len(d.IPv4) == 0 },
		"a gateway needs an address (set lxc.net.N.ipv4.address)"},
	{"ipv6.gateway", func(d *plan.Network) bool {
		return d.Gateway6.Kind != "" && len(d.IPv6) == 0 && !linkLocal(d.Gateway6.IP)
	},
		"a gateway needs an address (set lxc.net.N.ipv6.address, or use the router's link-local address)"},
	{"ipv4.gateway", func(d *plan.Network) bool { return d.Gateway4.Kind == "auto" && !hasParent(d) },
		"a gateway can be found automatically for veth and macvlan with a link only (give its address)"},
	{"ipv6.gateway", func(d *plan.Network) bool { return d.Gateway6.Kind == "auto" && !hasParent(d) },
		"a gateway can be found automatically for veth and macvlan with a link only (give its address)"},
}

func hasParent(d *plan.Network) bool {
	return d.Link != "" && (d.Type == "veth" || d.Type == "macvlan")
}

// linkLocal says whether ip is in fe80::/10: such a router is reached without
// an address of one's own.
func linkLocal(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return err == nil && a.IsLinkLocalUnicast()
}

// check holds the devices against the rules.
func check(devices []plan.Network) error {
	for i := range devices {
		for _, r := range rules {
			if r.breaks(&devices[i]) {
				return at(&devices[i], r.key, "%s", r.text)
			}
		}
	}
	return nil
}
