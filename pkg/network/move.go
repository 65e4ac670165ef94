package network

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// move sends the device of that index in the namespace from to the namespace
// to, under a new name: one request, so that no other name is in the way
// there. The kernel takes the device down.
func move(from netns.NsHandle, index int, to *os.File, name string) error {
	message := nl.NewIfInfomsg(unix.AF_UNSPEC)
	message.Index = int32(index)
	err := ask(from, unix.NETLINK_ROUTE, unix.RTM_NEWLINK, message,
		nl.NewRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(to.Fd()))),
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	// Devices of a radio only move with the radio.
	if err := moveRadio(from, index, to, name); !errors.Is(err, errNoRadio) {
		return err
	}
	return fmt.Errorf("devices of this kind are bound to their namespace: %w", err)
}

var errNoRadio = errors.New("not a wireless device")

// moveRadio sends the radio of a wireless device, with all its devices, to
// another namespace (nl80211), and gives the device its new name there.
func moveRadio(from netns.NsHandle, index int, to *os.File, name string) error {
	source, err := netlink.NewHandleAt(from, unix.NETLINK_ROUTE, unix.NETLINK_GENERIC)
	if err != nil {
		return err
	}
	defer source.Close()
	link, err := source.LinkByIndex(index)
	if err != nil {
		return err
	}
	family, err := source.GenlFamilyGet("nl80211")
	if err != nil {
		return errNoRadio
	}
	err = ask(from, unix.NETLINK_GENERIC, int(family.ID), &nl.Genlmsg{Command: unix.NL80211_CMD_SET_WIPHY_NETNS},
		nl.NewRtAttr(unix.NL80211_ATTR_IFINDEX, nl.Uint32Attr(uint32(index))),
		nl.NewRtAttr(unix.NL80211_ATTR_NETNS_FD, nl.Uint32Attr(uint32(to.Fd()))))
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
		return errNoRadio
	}
	if err != nil {
		return fmt.Errorf("moving its radio: %w", err)
	}
	target, err := connect(to)
	if err != nil {
		return err
	}
	defer target.Close()
	arrived, err := target.LinkByName(link.Attrs().Name)
	if err != nil || name == link.Attrs().Name {
		return err
	}
	return target.LinkSetName(arrived, name)
}

// ask sends one request to the kernel in the namespace ns.
func ask(ns netns.NsHandle, protocol, kind int, parts ...nl.NetlinkRequestData) error {
	socket, err := nl.GetNetlinkSocketAt(ns, netns.None(), protocol)
	if err != nil {
		return err
	}
	defer socket.Close()
	request := nl.NewNetlinkRequest(kind, unix.NLM_F_ACK)
	request.Sockets = map[int]*nl.SocketHandle{protocol: {Socket: socket}}
	for _, part := range parts {
		request.AddData(part)
	}
	_, err = request.Execute(protocol, 0)
	return err
}
