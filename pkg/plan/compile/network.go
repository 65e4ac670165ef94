package compile

import (
	"net/netip"
	"strconv"
	"strings"

	"gantry/pkg/config"
	"gantry/pkg/plan"
)

// networks takes the devices over. A container in somebody else's network
// namespace gets none.
func (m *compiler) networks() error {
	if !m.makes("net") {
		return nil
	}
	for _, n := range m.c.Networks {
		p, err := network(n)
		if err != nil {
			return err
		}
		if err := checkNetwork(&p); err != nil {
			return err
		}
		m.plan.Networks = append(m.plan.Networks, p)
	}
	return nil
}

func network(n *config.Network) (p plan.Network, err error) {
	p = plan.Network{
		Index:       n.Index,
		Type:        n.Type.V,
		Link:        n.Link.V,
		Name:        n.Name.V,
		HWAddr:      n.HWAddr.V,
		Up:          n.Up.V,
		IPv4:        addresses(n.IPv4.Address),
		IPv6:        addresses(n.IPv6.Address),
		Gateway4:    gateway(n.IPv4.Gateway),
		Gateway6:    gateway(n.IPv6.Gateway),
		ScriptUp:    script("up", n.ScriptUp),
		ScriptDown:  script("down", n.ScriptDown),
		MACVLANMode: n.MACVLANMode.V,
		Origin:      n.Type.Origin,
		Origins:     n.Origins(),
	}
	if !n.Type.Origin.Given() {
		p.Type, p.Origin = "", firstLine(p.Origins)
	}
	if n.HWAddr.V != "" && !isHWAddr(n.HWAddr.V) {
		return p, fail(n.HWAddr.Origin, strconv.Quote(n.HWAddr.V), " is not a hardware address (such as 00:16:3e:12:34:56)")
	}
	p.MTU, _ = strconv.Atoi(n.MTU.V) // empty inherits; else config has seen to it
	p.Veth = plan.Veth{
		Pair:     n.Veth.Pair.V,
		RXQueues: max(n.Veth.RXQueues.V, 0),
		TXQueues: max(n.Veth.TXQueues.V, 0),
		Routes4:  routes(n.Veth.IPv4Routes),
		Routes6:  routes(n.Veth.IPv6Routes),
	}
	return p, nil
}

// firstLine is the first of a device's lines.
func firstLine(origins map[string]plan.Origin) (line plan.Origin) {
	for _, o := range origins {
		if !line.Given() || o.Line < line.Line || o.Line == line.Line && o.Key < line.Key {
			line = o
		}
	}
	return line
}

func addresses(list []config.Value[config.Address]) (out []plan.Address) {
	for _, a := range list {
		p := plan.Address{IP: a.V.IP.String(), Prefix: a.V.Prefix, Origin: a.Origin}
		if a.V.Broadcast.IsValid() {
			p.Broadcast = a.V.Broadcast.String()
		}
		out = append(out, p)
	}
	return out
}

func gateway(v config.Value[string]) plan.Gateway {
	switch v.V {
	case "":
		return plan.Gateway{}
	case "auto", "dev":
		return plan.Gateway{Kind: v.V, Origin: v.Origin}
	}
	return plan.Gateway{Kind: "addr", IP: v.V, Origin: v.Origin}
}

func script(stage string, command config.Value[string]) *plan.Hook {
	if command.V == "" {
		return nil
	}
	return &plan.Hook{Stage: stage, Section: "net", Command: command.V, Origin: command.Origin}
}

func routes(list []config.Value[netip.Prefix]) (out []string) {
	for _, r := range list {
		out = append(out, r.V.String())
	}
	return out
}

// isHWAddr says whether s is six bytes in hexadecimal.
func isHWAddr(s string) bool {
	parts := strings.Split(s, ":")
	for _, part := range parts {
		if _, err := strconv.ParseUint(part, 16, 8); err != nil || len(part) > 2 {
			return false
		}
	}
	return len(parts) == 6
}

// networkRules are what a device's configuration must not be.
var networkRules = []struct {
	key    string // whose line is to blame
	breaks func(*plan.Network) bool
	text   string
}{
	{"type", func(n *plan.Network) bool { return n.Type == "" },
		"is missing (veth, macvlan, phys, empty or none)"},
	{"link", func(n *plan.Network) bool { return n.Link == "" && (n.Type == "macvlan" || n.Type == "phys") },
		"is missing: a device of type macvlan or phys needs one of the host's"},
	{"ipv4.gateway", func(n *plan.Network) bool { return n.Gateway4.Kind != "" && !n.Up },
		"needs a device that is up (set lxc.net.N.flags = up)"},
	{"ipv6.gateway", func(n *plan.Network) bool { return n.Gateway6.Kind != "" && !n.Up },
		"needs a device that is up (set lxc.net.N.flags = up)"},
	{"ipv4.gateway", func(n *plan.Network) bool { return n.Gateway4.Kind != "" && len(n.IPv4) == 0 },
		"needs an address (set lxc.net.N.ipv4.address)"},
	{"ipv6.gateway", func(n *plan.Network) bool {
		return n.Gateway6.Kind != "" && len(n.IPv6) == 0 && !linkLocal(n.Gateway6.IP)
	}, "needs an address (set lxc.net.N.ipv6.address, or use the router's link-local one)"},
	{"ipv4.gateway", func(n *plan.Network) bool { return n.Gateway4.Kind == "auto" && !hasParent(n) },
		"can be auto for type veth or macvlan with a link only (give its address)"},
	{"ipv6.gateway", func(n *plan.Network) bool { return n.Gateway6.Kind == "auto" && !hasParent(n) },
		"can be auto for type veth or macvlan with a link only (give its address)"},
}

func hasParent(n *plan.Network) bool {
	return n.Link != "" && (n.Type == "veth" || n.Type == "macvlan")
}

// linkLocal says whether a router is reached without an address of one's own.
func linkLocal(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return err == nil && a.IsLinkLocalUnicast()
}

func checkNetwork(n *plan.Network) error {
	for _, r := range networkRules {
		if !r.breaks(n) {
			continue
		}
		o, ok := n.Origins[r.key]
		if !ok {
			o = n.Origin
			o.Key = "lxc.net." + strconv.Itoa(n.Index) + "." + r.key
		}
		return fail(o, r.text)
	}
	return nil
}
