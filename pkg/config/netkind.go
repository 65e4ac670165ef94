package config

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The kinds of values network keys have.
var (
	deviceType = &kind[string]{parse: parseType, format: same, show: showNull}
	ifname     = &kind[string]{parse: func(s string) (string, error) { return atMost(s, 15) }, format: same}
	up         = &kind[bool]{parse: func(string) (bool, error) { return true, nil }, format: formatUp}
	mtu        = &kind[string]{parse: parseMTU, format: same}
	gateway4   = &kind[string]{parse: func(s string) (string, error) { return parseGateway(s, true) }, format: same}
	gateway6   = &kind[string]{parse: func(s string) (string, error) { return parseGateway(s, false) }, format: same}
	address4   = &kind[Address]{parse: parseAddress4, format: formatAddress, show: showAddress}
	address6   = &kind[Address]{parse: parseAddress6, format: showAddress}
	route4     = &kind[netip.Prefix]{parse: func(s string) (netip.Prefix, error) { return parsePrefix(s, true) }, format: netip.Prefix.String}
	route6     = &kind[netip.Prefix]{parse: func(s string) (netip.Prefix, error) { return parsePrefix(s, false) }, format: netip.Prefix.String}
	queues     = &kind[int]{parse: parseQueues, format: showQueues}
	vlan       = &kind[VLAN]{parse: parseVLAN, format: formatVLAN, show: showVLAN}
	tagged     = &kind[int]{parse: parseTag, format: strconv.Itoa}
	vlanID     = &kind[uint]{parse: parseVLANID, format: unsigned.format}

	vethMode = &kind[string]{
		parse:  func(s string) (string, error) { return oneOf(s, "bridge", "router") },
		format: same,
		show:   func(s string) string { return cmp.Or(s, "bridge") },
	}
	macvlanMode = &kind[string]{
		parse:  func(s string) (string, error) { return oneOf(s, "private", "vepa", "bridge", "passthru") },
		format: same,
		show:   func(s string) string { return cmp.Or(s, "private") },
	}
	ipvlanMode = &kind[string]{
		parse:  func(s string) (string, error) { return oneOf(s, "l3", "l3s", "l2") },
		format: same,
		show:   func(s string) string { return cmp.Or(s, "l2") },
	}
	ipvlanIsolation = &kind[string]{
		parse:  func(s string) (string, error) { return oneOf(s, "bridge", "private", "vepa") },
		format: same,
		show:   func(s string) string { return cmp.Or(s, "bridge") },
	}
)

func oneOf(s string, words ...string) (string, error) {
	if !slices.Contains(words, s) {
		return "", errors.New(strconv.Quote(s) + " is not one of " + strings.Join(words, " "))
	}
	return s, nil
}

func parseType(s string) (string, error) {
	return oneOf(s, "empty", "none", "veth", "macvlan", "phys", "vlan", "ipvlan")
}

func formatUp(v bool) string {
	if v {
		return "up"
	}
	return ""
}

func parseMTU(s string) (string, error) {
	if n, err := strconv.ParseUint(s, 10, 31); err != nil || n == 0 {
		return "", errors.New(strconv.Quote(s) + " is not a number of bytes")
	}
	return s, nil
}

func parseGateway(s string, four bool) (string, error) {
	if s == "auto" || s == "dev" {
		return s, nil
	}
	ip, err := parseIP(s, four)
	if err != nil {
		return "", errors.New(strconv.Quote(s) + ` is neither an address nor "auto" nor "dev"`)
	}
	return ip.String(), nil
}

func parseIP(s string, four bool) (netip.Addr, error) {
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Is4() != four || ip.Zone() != "" {
		family := "IPv6"
		if four {
			family = "IPv4"
		}
		return netip.Addr{}, errors.New(strconv.Quote(s) + " is not an " + family + " address")
	}
	return ip, nil
}

// parseAddress4 reads A[/P] [BROADCAST].
func parseAddress4(s string) (a Address, err error) {
	words := strings.Fields(s)
	if len(words) == 0 || len(words) > 2 {
		return a, errors.New(strconv.Quote(s) + " is not ADDRESS[/PREFIX] [BROADCAST]")
	}
	ip, prefix, slash := strings.Cut(words[0], "/")
	if a.IP, err = parseIP(ip, true); err != nil {
		return a, err
	}
	a.Prefix = classOf(a.IP)
	if slash {
		if a.Prefix, err = parseBits(prefix, 32); err != nil {
			return a, err
		}
	}
	if len(words) == 2 {
		a.Broadcast, err = parseIP(words[1], true)
		return a, err
	}
	a.Broadcast = broadcast(a.IP, a.Prefix)
	return a, nil
}

// classOf is the prefix of an address that names none. LXC applies the rule of
// the address classes to the last byte instead of the first, and so do we.
func classOf(ip netip.Addr) int {
	switch last := ip.As4()[3]; {
	case last < 128:
		return 8
	case last < 192:
		return 16
	case last < 224:
		return 24
	}
	return 0
}

// broadcast is the highest address of a network; one of two addresses or less has none.
func broadcast(ip netip.Addr, bits int) netip.Addr {
	if bits >= 31 {
		return netip.Addr{}
	}
	b := ip.As4()
	for i := bits; i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

func parseAddress6(s string) (a Address, err error) {
	ip, prefix, slash := strings.Cut(s, "/")
	if a.IP, err = parseIP(ip, false); err != nil {
		return a, err
	}
	a.Prefix = 64
	if slash {
		a.Prefix, err = parseBits(prefix, 128)
	}
	return a, err
}

func parseBits(s string, most uint64) (int, error) {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil || n > most {
		return 0, errors.New(strconv.Quote(s) + " is not a prefix length from 0 to " + strconv.FormatUint(most, 10))
	}
	return int(n), nil
}

func showAddress(a Address) string { return a.IP.String() + "/" + itoa(a.Prefix) }

func formatAddress(a Address) string {
	if a.Broadcast.IsValid() {
		return showAddress(a) + " " + a.Broadcast.String()
	}
	return showAddress(a)
}

func parsePrefix(s string, four bool) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4() != four {
		return netip.Prefix{}, errors.New(strconv.Quote(s) + " is not a route ADDRESS/PREFIX")
	}
	return p, nil
}

func parseQueues(s string) (int, error) {
	n, err := parseInt(s)
	if err != nil || n <= 0 {
		return 0, errors.New(strconv.Quote(s) + " is not a number of queues greater than 0")
	}
	return n, nil
}

func showQueues(n int) string {
	if n < 0 {
		return ""
	}
	return itoa(n)
}

// maxVLAN is the kernel's highest id of a bridge vlan (BRIDGE_VLAN_ID_MAX).
const maxVLAN = 4094

func parseTag(s string) (int, error) {
	n, err := parseUint(s)
	if err != nil || n > maxVLAN {
		return 0, errors.New(strconv.Quote(s) + " is not a vlan id from 0 to 4094")
	}
	return int(n), nil
}

func parseVLAN(s string) (VLAN, error) {
	if s == "none" {
		return VLAN{Set: true, ID: -1}, nil
	}
	id, err := parseTag(s)
	return VLAN{Set: true, ID: id}, err
}

func formatVLAN(v VLAN) string {
	if v.ID < 0 {
		return "none"
	}
	return itoa(v.ID)
}

func showVLAN(v VLAN) string {
	if !v.Set {
		return ""
	}
	return itoa(v.ID)
}

func parseVLANID(s string) (uint, error) {
	n, err := parseUint(s)
	if err != nil || n > 0xffff {
		return 0, errors.New(strconv.Quote(s) + " is not a vlan id from 0 to 65535")
	}
	return n, nil
}
