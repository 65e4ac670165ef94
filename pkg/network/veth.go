package network

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"

	"gantry/internal/cleanup"
	"gantry/pkg/plan"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// veth is a pair of devices: one end on the host, in the bridge lxc.net.N.link
// if there is one, the other inside.
type veth struct{}

// create makes the pair in one request, the inner end already in its place and
// with its name.
func (veth) create(s *scene, d *plan.Network, live *Live) error {
	bridge, err := s.bridge(d)
	if err != nil {
		return err
	}
	pair := pairOf(d, bridge)
	pair.PeerName = live.Name
	pair.PeerNamespace = netlink.NsFd(s.ns.Fd())
	if err := s.addPair(d, pair); err != nil {
		return err
	}
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { s.host.LinkDel(pair) })
	if bridge != nil {
		if err := s.host.LinkSetMasterByIndex(pair, bridge.Index); err != nil {
			return at(d, "link", "%s does not take %s as a port: %w", d.Link, pair.Name, err)
		}
	}
	// A port of a bridge has no business with addresses of its own; only IPv6
	// routes need IPv6 on it.
	if bridge != nil && len(d.Veth.Routes6) == 0 {
		if err := disableIPv6(pair.Name); err != nil {
			return at(d, "link", "%w", err)
		}
	}
	if err := s.host.LinkSetUp(pair); err != nil {
		return at(d, "type", "bringing %s up: %w", pair.Name, err)
	}
	if err := s.addRoutes(d, pair); err != nil {
		return err
	}
	undo.Release()
	live.Host, live.Device = pair.Name, pair.Index
	return nil
}

// enter has nothing left to do.
func (veth) enter(*scene, *plan.Network, *Live) error { return nil }

// leave deletes the end on the host, and with it the other.
func (veth) leave(s *scene, live *Live) error {
	return s.delete(live)
}

func (veth) outlives() bool { return false }

// pairOf says what the pair is to be like. A first byte of 0xfe keeps the
// bridge from taking the lowest address of its ports, a container's, for its
// own.
func pairOf(d *plan.Network, bridge *netlink.LinkAttrs) *netlink.Veth {
	a := netlink.NewLinkAttrs()
	a.Name = d.Veth.Pair
	a.HardwareAddr = net.HardwareAddr{0xfe, 0, 0, 0, 0, 0}
	for i := range a.HardwareAddr[1:] {
		a.HardwareAddr[1+i] = byte(rand.Uint32())
	}
	a.MTU = 1500
	if bridge != nil {
		a.MTU = bridge.MTU
	}
	if d.MTU > 0 {
		a.MTU = d.MTU
	}
	// What one end receives in a queue the other has sent in one.
	a.NumTxQueues, a.NumRxQueues = d.Veth.RXQueues, d.Veth.TXQueues
	pair := &netlink.Veth{LinkAttrs: a, PeerTxQLen: -1}
	if d.Veth.RXQueues > 0 {
		pair.PeerNumRxQueues = uint32(d.Veth.RXQueues)
	}
	if d.Veth.TXQueues > 0 {
		pair.PeerNumTxQueues = uint32(d.Veth.TXQueues)
	}
	return pair
}

// addRoutes has the host send what is for the container's networks to the
// pair.
func (s *scene) addRoutes(d *plan.Network, pair *netlink.Veth) error {
	for key, routes := range map[string][]string{"veth.ipv4.route": d.Veth.Routes4, "veth.ipv6.route": d.Veth.Routes6} {
		for _, route := range routes {
			network, err := netip.ParsePrefix(route)
			if err == nil {
				to := prefix(network.Addr().AsSlice(), network.Bits())
				err = s.host.RouteAdd(&netlink.Route{LinkIndex: pair.Index, Dst: to, Scope: netlink.SCOPE_LINK})
			}
			if err != nil {
				return at(d, key, "route to %s by %s: %w", route, pair.Name, err)
			}
		}
	}
	return nil
}

// addPair makes the pair, under the configured name or one nobody has.
func (s *scene) addPair(d *plan.Network, pair *netlink.Veth) (err error) {
	add := func(name string) error {
		pair.Name = name
		return s.host.LinkAdd(pair)
	}
	if d.Veth.Pair == "" {
		if _, err := withName("veth", add); err != nil {
			return at(d, "type", "making the pair: %w", unsupported(err, "veth"))
		}
		return nil
	}
	err = add(d.Veth.Pair)
	if errors.Is(err, unix.EEXIST) {
		if err := s.removeStale(d.Veth.Pair); err != nil {
			return at(d, "veth.pair", "%w", err)
		}
		err = add(d.Veth.Pair)
	}
	if err != nil {
		return at(d, "veth.pair", "making %s: %w", d.Veth.Pair, unsupported(err, "veth"))
	}
	return nil
}

// bridge finds the bridge that d.Link names; nil if it names none.
func (s *scene) bridge(d *plan.Network) (*netlink.LinkAttrs, error) {
	if d.Link == "" {
		return nil, nil
	}
	link, err := s.host.LinkByName(d.Link)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		how := "make it: ip link add " + d.Link + " type bridge"
		if d.Link == "lxcbr0" {
			how = "start it: systemctl start lxc-net, or libexec/lxc/lxc-net start; with USE_LXC_BRIDGE=\"true\" in /etc/default/lxc-net"
		}
		return nil, at(d, "link", "there is no bridge %s (%s)", d.Link, how)
	}
	if err != nil {
		return nil, at(d, "link", "%s: %w", d.Link, err)
	}
	if link.Type() != "bridge" {
		return nil, at(d, "link", "%s is no bridge of the kernel's (use one; Open vSwitch is not supported yet)", d.Link)
	}
	return link.Attrs(), nil
}

// delete removes our device on the host, by its index: a name may have been
// taken over by somebody else.
func (s *scene) delete(live *Live) error {
	if live.Device == 0 {
		return nil
	}
	err := s.host.LinkDel(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: live.Device}})
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("deleting %s: %w", live.Host, err)
	}
	return nil
}

// disableIPv6 writes the sysctl of that name. A kernel without IPv6 has none.
func disableIPv6(device string) error {
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+device+"/disable_ipv6", []byte("1"), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unsupported explains the error of a kernel that has no such devices.
func unsupported(err error, kind string) error {
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("the kernel has no %s devices (modprobe %s): %w", kind, kind, err)
	}
	return err
}
