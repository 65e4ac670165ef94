package network

import (
	"net"

	"gantry/pkg/plan"

	"github.com/vishvananda/netlink"
)

// resolve begins the Live of a device with what it leaves to the host as it is
// now: the device a link stands for, the gateway behind "auto".
func (s *scene) resolve(d *plan.Network) (Live, error) {
	live := Live{Index: d.Index, Type: d.Type, ScriptDown: d.ScriptDown}
	var err error
	if live.Link, err = s.match(d); err != nil {
		return live, err
	}
	if live.Gateway4, err = s.gateway(d, d.Gateway4, netlink.FAMILY_V4); err != nil {
		return live, err
	}
	live.Gateway6, err = s.gateway(d, d.Gateway6, netlink.FAMILY_V6)
	return live, err
}

// gateway gives the primary address of the link for a gateway "auto". The
// kernel lists it first.
func (s *scene) gateway(d *plan.Network, g plan.Gateway, family int) (string, error) {
	if g.Kind != "auto" {
		return "", nil
	}
	link, err := s.device(d, d.Link)
	if err != nil {
		return "", err
	}
	addresses, err := s.host.AddrList(link, family)
	if err != nil {
		return "", of(g.Origin, "addresses of %s: %w", d.Link, err)
	}
	if len(addresses) == 0 {
		return "", of(g.Origin, "%s has no address to be found (give it one, or write the gateway's address here)", d.Link)
	}
	return addresses[0].IP.String(), nil
}

// route sets the default route of one family; zero is the family's null
// address.
func route(inside *netlink.Handle, g plan.Gateway, auto string, link netlink.Link, zero net.IP) error {
	r := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: prefix(zero, 0)}
	switch g.Kind {
	case "":
		return nil
	case "addr":
		r.Gw = net.ParseIP(g.IP)
	case "auto":
		r.Gw = net.ParseIP(auto)
	}
	err := inside.RouteAdd(r)
	if err != nil && r.Gw != nil {
		// A router outside the device's networks gets a route of its own.
		inside.RouteAdd(&netlink.Route{LinkIndex: r.LinkIndex, Dst: prefix(r.Gw, len(zero)*8), Scope: netlink.SCOPE_LINK})
		err = inside.RouteAdd(r)
	}
	if err != nil {
		return of(g.Origin, "default route by %s: %w", link.Attrs().Name, err)
	}
	return nil
}

// prefix is the network ip/bits.
func prefix(ip net.IP, bits int) *net.IPNet {
	if v4 := ip.To4(); v4 != nil {
		return &net.IPNet{IP: v4, Mask: net.CIDRMask(bits, 32)}
	}
	return &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, 128)}
}
