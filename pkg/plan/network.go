package plan

// A Network is one lxc.net.N.
type Network struct {
	Index  int
	Type   string // empty none veth macvlan phys
	Link   string
	Name   string // inside; empty lets the kernel number eth%d
	HWAddr string // aa:bb:cc:dd:ee:ff, templates already filled
	MTU    int    // 0 inherits
	Up     bool

	IPv4, IPv6  []Address
	Gateway4    Gateway
	Gateway6    Gateway
	ScriptUp    *Hook
	ScriptDown  *Hook
	Veth        Veth
	MACVLANMode string            // private vepa bridge passthru
	Origin      Origin            // of the type
	Origins     map[string]Origin // of each other subkey set, by its name ("link", "ipv4.address" of the last)
}

// Veth holds the keys of type veth alone.
type Veth struct {
	Pair               string // host end; empty for a random vethXXXXXX
	RXQueues, TXQueues int
	Routes4, Routes6   []string // A/P, on the host
}

// An Address is one ipv4.address or ipv6.address.
type Address struct {
	IP        string
	Prefix    int
	Broadcast string `json:",omitempty"` // IPv4; empty for none
	Origin    Origin
}

// A Gateway is where the default route points.
type Gateway struct {
	Kind   string // "" none, "addr", "auto" the link's primary address, "dev" the device itself
	IP     string
	Origin Origin
}
