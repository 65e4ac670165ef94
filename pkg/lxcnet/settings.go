package lxcnet

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Settings describe the network.
type Settings struct {
	Use    bool             // USE_LXC_BRIDGE
	Bridge string           // LXC_BRIDGE
	MAC    net.HardwareAddr // LXC_BRIDGE_MAC

	Address netip.Prefix // LXC_ADDR with the length of LXC_NETMASK
	Subnet  netip.Prefix // LXC_NETWORK: what is masqueraded

	DHCPRange  string // LXC_DHCP_RANGE: FIRST,LAST
	DHCPMax    int    // LXC_DHCP_MAX: leases
	DHCPConfig string // LXC_DHCP_CONFILE: dnsmasq's configuration file
	DHCPPing   bool   // LXC_DHCP_PING: try an address before it is given away
	Domain     string // LXC_DOMAIN

	Address6  netip.Prefix // LXC_IPV6_ADDR and LXC_IPV6_MASK; the zero Prefix for no IPv6
	Subnet6   netip.Prefix // LXC_IPV6_NETWORK
	NAT6      bool         // LXC_IPV6_NAT
	Explicit6 bool         // LXC_IPV6_ADDR was given, and is not the default

	Notes []string // settings that have no effect, a line each
}

// defaults are the values of variables that no file sets. Those of IPv6 depend
// on the machine.
func defaults(machineID string) map[string]string {
	d := map[string]string{
		"USE_LXC_BRIDGE":   "true",
		"LXC_BRIDGE":       "lxcbr0",
		"LXC_BRIDGE_MAC":   "10:66:6a:00:00:00",
		"LXC_ADDR":         "10.0.3.1",
		"LXC_NETMASK":      "255.255.255.0",
		"LXC_NETWORK":      "10.0.3.0/24",
		"LXC_DHCP_RANGE":   "10.0.3.2,10.0.3.254",
		"LXC_DHCP_MAX":     "253",
		"LXC_DHCP_CONFILE": "",
		"LXC_DHCP_PING":    "true",
		"LXC_DOMAIN":       "",
		"LXC_USE_NFT":      "true",
		"LXC_IPV6_ENABLE":  "true",
		"LXC_IPV6_NAT":     "true",
	}
	if machineID != "" {
		prefix := ula(machineID)
		d["LXC_IPV6_ADDR"] = prefix.Addr().Next().String()
		d["LXC_IPV6_MASK"] = strconv.Itoa(prefix.Bits())
		d["LXC_IPV6_NETWORK"] = prefix.String()
	}
	return d
}

// ula gives the machine's own local prefix fdXX:XXXX:XXXX:XXXX::/64 (RFC 4193),
// the same at every start and different from other machines'.
func ula(machineID string) netip.Prefix {
	sum := sha256.Sum256([]byte("lxc-net" + strings.TrimSpace(machineID)))
	var a [16]byte
	a[0] = 0xfd
	copy(a[1:8], sum[:])
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}

// New makes settings of variables. machineID is the text of /etc/machine-id;
// without one there is no IPv6 but by the variables. Errors name the line.
func New(vars map[string]Variable, machineID string) (Settings, error) {
	r := reader{vars: vars, defaults: defaults(machineID)}
	s := Settings{
		Use:        r.text("USE_LXC_BRIDGE") == "true",
		Bridge:     r.text("LXC_BRIDGE"),
		DHCPRange:  r.text("LXC_DHCP_RANGE"),
		DHCPConfig: r.text("LXC_DHCP_CONFILE"),
		DHCPPing:   r.text("LXC_DHCP_PING") != "false",
		Domain:     r.text("LXC_DOMAIN"),
		NAT6:       r.text("LXC_IPV6_NAT") == "true",
	}
	if !s.Use {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: %q is not true: nothing to do", r.vars["USE_LXC_BRIDGE"].Origin, r.text("USE_LXC_BRIDGE")))
		return s, nil
	}
	if s.Bridge == "" || len(s.Bridge) > 15 || strings.ContainsAny(s.Bridge, "/ \t\n") {
		r.fail("LXC_BRIDGE", "not the name of a device: 1 to 15 letters")
	}
	var err error
	if s.MAC, err = net.ParseMAC(r.text("LXC_BRIDGE_MAC")); err != nil || len(s.MAC) != 6 {
		r.fail("LXC_BRIDGE_MAC", "not a hardware address aa:bb:cc:dd:ee:ff")
	}
	s.Address = netip.PrefixFrom(r.address("LXC_ADDR", netip.Addr.Is4), r.bits("LXC_NETMASK", 32))
	s.Subnet = r.subnet("LXC_NETWORK", netip.Addr.Is4)
	if s.DHCPMax, err = strconv.Atoi(r.text("LXC_DHCP_MAX")); err != nil || s.DHCPMax < 0 {
		r.fail("LXC_DHCP_MAX", "not a number of leases")
	}
	if r.text("LXC_USE_NFT") != "true" {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: no effect: the rules are nftables', and need no nft command", r.vars["LXC_USE_NFT"].Origin))
	}
	if r.text("LXC_IPV6_ENABLE") == "true" && r.text("LXC_IPV6_ADDR") != "" && r.text("LXC_IPV6_MASK") != "" && r.text("LXC_IPV6_NETWORK") != "" {
		s.Address6 = netip.PrefixFrom(r.address("LXC_IPV6_ADDR", netip.Addr.Is6), r.bits("LXC_IPV6_MASK", 128))
		s.Subnet6 = r.subnet("LXC_IPV6_NETWORK", netip.Addr.Is6)
	}
	_, s.Explicit6 = vars["LXC_IPV6_ADDR"]
	return s, r.err
}

// reader reads values and keeps the first error.
type reader struct {
	vars     map[string]Variable
	defaults map[string]string
	err      error
}

func (r *reader) text(name string) string {
	if v, ok := r.vars[name]; ok {
		return v.Value
	}
	return r.defaults[name]
}

func (r *reader) fail(name, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %q is %s", r.vars[name].Origin, r.text(name), want)
	}
}

func (r *reader) address(name string, family func(netip.Addr) bool) netip.Addr {
	a, err := netip.ParseAddr(r.text(name))
	if err != nil || !family(a) {
		r.fail(name, "not an address of this family")
	}
	return a
}

func (r *reader) subnet(name string, family func(netip.Addr) bool) netip.Prefix {
	p, err := netip.ParsePrefix(r.text(name))
	if err != nil || !family(p.Addr()) {
		r.fail(name, "not a network ADDRESS/LENGTH of this family")
	}
	return p.Masked()
}

// bits reads the length of a prefix, or, for IPv4, a mask of four numbers.
func (r *reader) bits(name string, most int) int {
	text := r.text(name)
	if mask := net.ParseIP(text).To4(); mask != nil && most == 32 {
		if ones, size := net.IPMask(mask).Size(); size != 0 {
			return ones
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		r.fail(name, "not a network mask")
	}
	return n
}
