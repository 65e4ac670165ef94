package config

import "net/netip"

// netKeys are the keys below lxc.net.N, sorted by name.
var netKeys = []key[Network]{
	{name: "flags", item: one(func(n *Network) *Value[bool] { return &n.Up }, up)},
	{name: "hwaddr", item: one(func(n *Network) *Value[string] { return &n.HWAddr }, text)},
	{name: "ipv4.address", item: many(func(n *Network) *[]Value[Address] { return &n.IPv4.Address }, address4, nil, joined)},
	{name: "ipv4.gateway", item: one(func(n *Network) *Value[string] { return &n.IPv4.Gateway }, gateway4)},
	{name: "ipv6.address", item: many(func(n *Network) *[]Value[Address] { return &n.IPv6.Address }, address6, nil, joined)},
	{name: "ipv6.gateway", item: one(func(n *Network) *Value[string] { return &n.IPv6.Gateway }, gateway6)},
	{name: "ipvlan.isolation", item: one(func(n *Network) *Value[string] { return &n.IPVLANIsolation }, ipvlanIsolation), only: "ipvlan"},
	{name: "ipvlan.mode", item: one(func(n *Network) *Value[string] { return &n.IPVLANMode }, ipvlanMode), only: "ipvlan"},
	{name: "l2proxy", item: one(func(n *Network) *Value[bool] { return &n.L2Proxy }, boolean)},
	{name: "link", item: one(func(n *Network) *Value[string] { return &n.Link }, ifname)},
	{name: "macvlan.mode", item: one(func(n *Network) *Value[string] { return &n.MACVLANMode }, macvlanMode), only: "macvlan"},
	{name: "mtu", item: one(func(n *Network) *Value[string] { return &n.MTU }, mtu)},
	{name: "name", item: one(func(n *Network) *Value[string] { return &n.Name }, ifname)},
	{name: "script.down", item: one(func(n *Network) *Value[string] { return &n.ScriptDown }, text)},
	{name: "script.up", item: one(func(n *Network) *Value[string] { return &n.ScriptUp }, text)},
	{name: "type", item: netType{one(func(n *Network) *Value[string] { return &n.Type }, deviceType)}},
	{name: "veth.ipv4.route", item: many(func(n *Network) *[]Value[netip.Prefix] { return &n.Veth.IPv4Routes }, route4, nil, joined), only: "veth"},
	{name: "veth.ipv6.route", item: many(func(n *Network) *[]Value[netip.Prefix] { return &n.Veth.IPv6Routes }, route6, nil, joined), only: "veth"},
	{name: "veth.mode", item: one(func(n *Network) *Value[string] { return &n.Veth.Mode }, vethMode), only: "veth"},
	{name: "veth.n_rxqueues", item: one(func(n *Network) *Value[int] { return &n.Veth.RXQueues }, queues).is(-1), only: "veth"},
	{name: "veth.n_txqueues", item: one(func(n *Network) *Value[int] { return &n.Veth.TXQueues }, queues).is(-1), only: "veth"},
	{name: "veth.pair", item: one(func(n *Network) *Value[string] { return &n.Veth.Pair }, ifname), only: "veth"},
	{name: "veth.vlan.id", item: one(func(n *Network) *Value[VLAN] { return &n.Veth.VLAN }, vlan), only: "veth"},
	{name: "veth.vlan.tagged.id", item: many(func(n *Network) *[]Value[int] { return &n.Veth.Tagged }, tagged, nil, joined), only: "veth"},
	{name: "vlan.id", item: one(func(n *Network) *Value[uint] { return &n.VLANID }, vlanID), only: "vlan"},
}
