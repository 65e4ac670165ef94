package network

import (
	"bytes"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"gantry/pkg/plan"

	"github.com/vishvananda/netlink"
)

// loopback is the index of lo in every network namespace (LOOPBACK_IFINDEX).
const loopback = 1

// Configure gives the devices that Create has moved into the namespace ns
// their hardware addresses, addresses and routes and brings them up, in the
// order of the configuration. The error names the line of the configuration.
func Configure(devices []plan.Network, live []Live, ns *os.File) error {
	inside, err := connect(ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	for i := range devices {
		if devices[i].Type == "none" {
			continue
		}
		if err := configure(inside, &devices[i], &live[i]); err != nil {
			return err
		}
	}
	return nil
}

func configure(inside *netlink.Handle, d *plan.Network, live *Live) error {
	link, err := inside.LinkByName(live.Name)
	if err != nil {
		return at(d, "name", "%s inside the container: %w", live.Name, err)
	}
	if err := setLink(inside, d, link); err != nil {
		return err
	}
	for _, a := range slices.Concat(d.IPv4, d.IPv6) {
		if err := inside.AddrAdd(link, address(a)); err != nil {
			return of(a.Origin, "adding %s/%d to %s: %w", a.IP, a.Prefix, live.Name, err)
		}
	}
	if !d.Up {
		return nil
	}
	if err := inside.LinkSetUp(link); err != nil {
		return at(d, "flags", "bringing %s up: %w", live.Name, err)
	}
	lo := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: loopback}}
	if err := inside.LinkSetUp(lo); err != nil {
		return at(d, "flags", "bringing lo up: %w", err)
	}
	if err := route(inside, d.Gateway4, live.Gateway4, link, net.IPv4zero.To4()); err != nil {
		return err
	}
	return route(inside, d.Gateway6, live.Gateway6, link, net.IPv6zero)
}

// setLink sets the hardware address and the MTU, where they differ.
func setLink(inside *netlink.Handle, d *plan.Network, link netlink.Link) error {
	if d.HWAddr != "" {
		mac, err := parseMAC(d.HWAddr)
		if err == nil && !bytes.Equal(mac, link.Attrs().HardwareAddr) {
			err = inside.LinkSetHardwareAddr(link, mac)
		}
		if err != nil {
			return at(d, "hwaddr", "giving %s the address %s: %w", link.Attrs().Name, d.HWAddr, err)
		}
	}
	if d.MTU > 0 && d.MTU != link.Attrs().MTU {
		if err := inside.LinkSetMTU(link, d.MTU); err != nil {
			return at(d, "mtu", "giving %s an MTU of %d: %w", link.Attrs().Name, d.MTU, err)
		}
	}
	return nil
}

// parseMAC reads bytes in hexadecimal between colons. Unlike net.ParseMAC it
// allows single digits, as LXC does.
func parseMAC(text string) (net.HardwareAddr, error) {
	var mac net.HardwareAddr
	for part := range strings.SplitSeq(text, ":") {
		b, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return nil, err
		}
		mac = append(mac, byte(b))
	}
	return mac, nil
}

// address is a in netlink's terms.
func address(a plan.Address) *netlink.Addr {
	addr := &netlink.Addr{IPNet: prefix(net.ParseIP(a.IP), a.Prefix)}
	if len(addr.IP) == net.IPv4len {
		addr.Broadcast = net.ParseIP(a.Broadcast).To4()
		if addr.Broadcast == nil {
			addr.Broadcast = net.IPv4zero // nil has the library make one up
		}
	}
	return addr
}
