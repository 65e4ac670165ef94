package rig

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// linkUp sets a network device up.
func linkUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// Bridge makes a bridge with an IPv4 address such as "10.0.9.1/24", sets it up
// and returns a function that removes it.
func Bridge(name, address string) (remove func(), err error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	bridge := &netlink.Bridge{LinkAttrs: attrs}
	if err := netlink.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("bridge %s: %w", name, err)
	}
	remove = func() { netlink.LinkDel(bridge) }
	if address != "" {
		addr, err := netlink.ParseAddr(address)
		if err == nil {
			err = netlink.AddrAdd(bridge, addr)
		}
		if err != nil {
			remove()
			return nil, fmt.Errorf("bridge %s: %w", name, err)
		}
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		remove()
		return nil, fmt.Errorf("bridge %s: %w", name, err)
	}
	return remove, nil
}

// OnHostNetwork runs f on a thread that is in the network namespace outside
// the rig, for what must reach a mirror. Processes that f starts are there
// too.
func OnHostNetwork(f func() error) error {
	runtime.LockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close()
	if err := unix.Setns(hostNetFD, unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("setns", err)
	}
	result := f()
	if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("setns", err) // and the thread stays locked
	}
	runtime.UnlockOSThread()
	return result
}
