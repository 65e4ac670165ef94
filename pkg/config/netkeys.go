package config

import "net/netip"

// netKeys are the keys below lxc.net.N, sorted by name.
var netKeys = []key[Network]{
	{name: "flags", item: &one[Network, bool]{at: func(n *Network) *Value[bool] { return &n.Up }, kind: up}},
	{name: "hwaddr", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.HWAddr }, kind: text}},
	{name: "ipv4.address", item: &many[Network, Address]{at: func(n *Network) *[]Value[Address] { return &n.IPv4.Address }, kind: address4, layout: joined}},
	{name: "ipv4.gateway", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.IPv4.Gateway }, kind: gateway4}},
	{name: "ipv6.address", item: &many[Network, Address]{at: func(n *Network) *[]Value[Address] { return &n.IPv6.Address }, kind: address6, layout: joined}},
	{name: "ipv6.gateway", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.IPv6.Gateway }, kind: gateway6}},
	{name: "ipvlan.isolation", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.IPVLANIsolation }, kind: ipvlanIsolation}, only: "ipvlan"},
	{name: "ipvlan.mode", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.IPVLANMode }, kind: ipvlanMode}, only: "ipvlan"},
	{name: "l2proxy", item: &one[Network, bool]{at: func(n *Network) *Value[bool] { return &n.L2Proxy }, kind: boolean}},
	{name: "link", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.Link }, kind: ifname}},
	{name: "macvlan.mode", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.MACVLANMode }, kind: macvlanMode}, only: "macvlan"},
	{name: "mtu", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.MTU }, kind: mtu}},
	{name: "name", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.Name }, kind: ifname}},
	{name: "script.down", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.ScriptDown }, kind: text}},
	{name: "script.up", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.ScriptUp }, kind: text}},
	{name: "type", item: netType{&one[Network, string]{at: func(n *Network) *Value[string] { return &n.Type }, kind: deviceType}}},
	{name: "veth.ipv4.route", item: &many[Network, netip.Prefix]{at: func(n *Network) *[]Value[netip.Prefix] { return &n.Veth.IPv4Routes }, kind: route4, layout: joined}, only: "veth"},
	{name: "veth.ipv6.route", item: &many[Network, netip.Prefix]{at: func(n *Network) *[]Value[netip.Prefix] { return &n.Veth.IPv6Routes }, kind: route6, layout: joined}, only: "veth"},
	{name: "veth.mode", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.Veth.Mode }, kind: vethMode}, only: "veth"},
	{name: "veth.n_rxqueues", item: &one[Network, int]{at: func(n *Network) *Value[int] { return &n.Veth.RXQueues }, kind: queues, def: -1, unset: -1}, only: "veth"},
	{name: "veth.n_txqueues", item: &one[Network, int]{at: func(n *Network) *Value[int] { return &n.Veth.TXQueues }, kind: queues, def: -1, unset: -1}, only: "veth"},
	{name: "veth.pair", item: &one[Network, string]{at: func(n *Network) *Value[string] { return &n.Veth.Pair }, kind: ifname}, only: "veth"},
	{name: "veth.vlan.id", item: &one[Network, VLAN]{at: func(n *Network) *Value[VLAN] { return &n.Veth.VLAN }, kind: vlan}, only: "veth"},
	{name: "veth.vlan.tagged.id", item: &many[Network, int]{at: func(n *Network) *[]Value[int] { return &n.Veth.Tagged }, kind: tagged, layout: joined}, only: "veth"},
	{name: "vlan.id", item: &one[Network, uint]{at: func(n *Network) *Value[uint] { return &n.VLANID }, kind: vlanID}, only: "vlan"},
}
