package network

import (
	"errors"

	"gantry/pkg/plan"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// macvlan is a device of its own on top of one of the host's.
type macvlan struct{}

// modes are the words of lxc.net.N.macvlan.mode.
var modes = map[string]netlink.MacvlanMode{
	"":         netlink.MACVLAN_MODE_PRIVATE,
	"private":  netlink.MACVLAN_MODE_PRIVATE,
	"vepa":     netlink.MACVLAN_MODE_VEPA,
	"bridge":   netlink.MACVLAN_MODE_BRIDGE,
	"passthru": netlink.MACVLAN_MODE_PASSTHRU,
}

// create makes it inside, so that it goes with the container whatever happens.
// Only a script.up needs to see it on the host first.
func (macvlan) create(s *scene, d *plan.Network, live *Live) error {
	parent, err := s.device(d, d.Link)
	if err != nil {
		return err
	}
	a := netlink.NewLinkAttrs()
	a.ParentIndex = parent.Attrs().Index
	a.MTU = d.MTU
	link := &netlink.Macvlan{LinkAttrs: a, Mode: modes[d.MACVLANMode]}
	if d.ScriptUp == nil {
		link.Name, link.Namespace = live.Name, netlink.NsFd(s.ns.Fd())
		err = s.host.LinkAdd(link)
	} else {
		live.Host, err = withName("mc", func(name string) error {
			link.Name = name
			return s.host.LinkAdd(link)
		})
		live.Device = link.Index
	}
	if errors.Is(err, unix.EBUSY) {
		return at(d, "link", "%s is a port of a bridge or has a passthru device already: %w", d.Link, err)
	}
	if err != nil {
		return at(d, "type", "making a macvlan device on %s: %w", d.Link, unsupported(err, "macvlan"))
	}
	return nil
}

func (macvlan) enter(s *scene, d *plan.Network, live *Live) error {
	if live.Host == "" {
		return nil // born inside
	}
	if err := move(netns.None(), live.Device, s.ns, live.Name); err != nil {
		return at(d, "type", "moving %s into the container: %w", live.Host, err)
	}
	live.Host, live.Device = "", 0
	return nil
}

// leave deletes the device if it has not entered yet.
func (macvlan) leave(s *scene, live *Live) error { return s.delete(live) }

func (macvlan) outlives() bool { return false }

// device finds the device of the host that lxc.net.N.link names.
func (s *scene) device(d *plan.Network, name string) (netlink.Link, error) {
	link, err := s.host.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil, at(d, "link", "there is no device %s (ip link shows those there are)", name)
	}
	if err != nil {
		return nil, at(d, "link", "%s: %w", name, err)
	}
	return link, nil
}
