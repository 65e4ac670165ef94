package config

import (
	"net/netip"

	"gantry/pkg/plan"
)

// A Network is lxc.net.N.
type Network struct {
	Index int
	Type  Value[string] // empty none veth macvlan phys vlan ipvlan; "" after `type =`

	Link, Name, HWAddr   Value[string]
	MTU                  Value[string] // decimal
	Up                   Value[bool]   // flags
	L2Proxy              Value[bool]
	ScriptUp, ScriptDown Value[string]

	IPv4, IPv6 IP
	Veth       struct {
		Mode                   Value[string] // bridge or router; empty is bridge
		Pair                   Value[string]
		RXQueues, TXQueues     Value[int] // -1 is the kernel's default
		IPv4Routes, IPv6Routes []Value[netip.Prefix]
		VLAN                   Value[VLAN]
		Tagged                 []Value[int]
	}
	VLANID          Value[uint]
	MACVLANMode     Value[string] // private vepa bridge passthru; empty is private
	IPVLANMode      Value[string] // l3 l3s l2; empty is l2
	IPVLANIsolation Value[string] // bridge private vepa; empty is bridge
}

// IP holds the keys ipv4.* or ipv6.* of a network device.
type IP struct {
	Address []Value[Address]
	Gateway Value[string] // an address, auto, dev
}

// An Address is one ipv4.address or ipv6.address.
type Address struct {
	IP        netip.Addr
	Prefix    int
	Broadcast netip.Addr // IPv4; the zero Addr is none
}

// VLAN is the value of veth.vlan.id.
type VLAN struct {
	Set bool
	ID  int // -1: no untagged vlan
}

// newNetwork gives a device as its first key finds it.
func newNetwork(index int) *Network {
	n := &Network{Index: index}
	n.reset()
	n.Type.V = "empty"
	return n
}

// reset gives every key its default.
func (n *Network) reset() {
	for i := range netKeys {
		netKeys[i].item.reset(n, "", "")
	}
}

// Origins gives the line that set each of the device's keys, by the name below
// lxc.net.N; of a list the last one.
func (n *Network) Origins() map[string]plan.Origin {
	all := map[string]plan.Origin{}
	for i := range netKeys {
		if item, ok := netKeys[i].item.(traced[Network]); ok {
			if o := item.origin(n); o.Given() {
				all[netKeys[i].name] = o
			}
		}
	}
	return all
}
