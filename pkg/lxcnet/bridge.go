package lxcnet

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// makeBridge makes the bridge, or takes over the one there is, gives it its
// addresses, and turns routing on.
func (n *Network) makeBridge() error {
	if err := sysctl("net/ipv4/ip_forward", "1"); err != nil {
		return err
	}
	a := netlink.NewLinkAttrs()
	a.Name, a.HardwareAddr = n.Bridge, n.MAC
	err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: a})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("making the bridge %s: %w", n.Bridge, err)
	}
	link, err := netlink.LinkByName(n.Bridge)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Bridge, err)
	}
	if link.Type() != "bridge" {
		return fmt.Errorf("%s is a %s device (set LXC_BRIDGE to another name)", n.Bridge, link.Type())
	}
	if err := netlink.LinkSetHardwareAddr(link, n.MAC); err != nil {
		return fmt.Errorf("%s: hardware address %s: %w", n.Bridge, n.MAC, err)
	}
	if err := n.prepareIPv6(); err != nil {
		return err
	}
	if err := netlink.AddrReplace(link, address(n.Address)); err != nil {
		return fmt.Errorf("%s: address %s: %w", n.Bridge, n.Address, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bringing %s up: %w", n.Bridge, err)
	}
	if !n.Address6.IsValid() {
		return nil
	}
	if err := netlink.AddrReplace(link, address(n.Address6)); err != nil {
		return fmt.Errorf("%s: address %s: %w", n.Bridge, n.Address6, err)
	}
	return nil
}

// prepareIPv6 makes the bridge a router that is sure of its addresses, or
// gives IPv6 up on a host that has none or has turned it off.
func (n *Network) prepareIPv6() error {
	own := "net/ipv6/conf/" + n.Bridge + "/"
	off, err := os.ReadFile("/proc/sys/" + own + "disable_ipv6")
	if errors.Is(err, fs.ErrNotExist) || string(off) == "1\n" {
		if n.Explicit6 {
			n.Notes = append(n.Notes, "LXC_IPV6_ADDR has no effect: this host has no IPv6 (net.ipv6.conf.default.disable_ipv6)")
		}
		n.Address6 = netip.Prefix{}
		return nil
	}
	if err != nil {
		return err
	}
	if err := sysctl(own+"accept_dad", "0"); err != nil || !n.Address6.IsValid() {
		return err
	}
	if err := keepRouters(); err != nil {
		return err
	}
	return errors.Join(sysctl("net/ipv6/conf/all/forwarding", "1"), sysctl(own+"autoconf", "0"))
}

// keepRouters has the devices over which the host has learned its default
// route from a router go on listening to it: a host that forwards stops that
// by itself, and would lose the route half an hour later.
func keepRouters() error {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Protocol: unix.RTPROT_RA}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("listing routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst != nil && !r.Dst.IP.IsUnspecified() {
			continue
		}
		link, err := netlink.LinkByIndex(r.LinkIndex)
		if err != nil {
			continue
		}
		file := "net/ipv6/conf/" + link.Attrs().Name + "/accept_ra"
		if old, err := os.ReadFile("/proc/sys/" + file); err != nil || string(old) != "1\n" {
			continue
		}
		if err := sysctl(file, "2"); err != nil {
			return err
		}
	}
	return nil
}

// removeBridge takes the bridge down and deletes it, unless something is
// plugged into it.
func (n *Network) removeBridge() error {
	link, err := netlink.LinkByName(n.Bridge)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", n.Bridge, err)
	}
	if link.Type() != "bridge" {
		return fmt.Errorf("%s is a %s device (set LXC_BRIDGE to another name)", n.Bridge, link.Type())
	}
	all, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("listing devices: %w", err)
	}
	for _, port := range all {
		if port.Attrs().MasterIndex == link.Attrs().Index {
			return n.idle(link)
		}
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("deleting %s: %w", n.Bridge, err)
	}
	return nil
}

// idle leaves the bridge to its ports, without addresses and down.
func (n *Network) idle(link netlink.Link) error {
	addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("addresses of %s: %w", n.Bridge, err)
	}
	for _, a := range addresses {
		if err := netlink.AddrDel(link, &a); err != nil {
			return fmt.Errorf("removing %s from %s: %w", a.IPNet, n.Bridge, err)
		}
	}
	return netlink.LinkSetDown(link)
}

// address is p in netlink's terms. Duplicate address detection would keep
// dnsmasq from an address for seconds.
func address(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	return a
}

// sysctl writes a value below /proc/sys.
func sysctl(name, value string) error {
	return os.WriteFile("/proc/sys/"+name, []byte(value), 0)
}
