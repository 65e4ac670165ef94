package lxcnet

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ports are those dnsmasq needs, by the table of /proc/net that lists their
// sockets.
var ports = []struct {
	table string
	port  uint16
	use   string
}{
	{"udp", 53, "DNS"}, {"udp6", 53, "DNS"}, {"tcp", 53, "DNS"}, {"tcp6", 53, "DNS"},
	{"udp", 67, "DHCP"},
}

// tcpListen is the state of a listening socket in /proc/net/tcp.
const tcpListen = "0A"

// portHolders says, a line each, which processes hold ports that dnsmasq
// needs; empty if there are none.
func (n *Network) portHolders() string {
	var lines []string
	for _, p := range ports {
		text, err := os.ReadFile("/proc/thread-self/net/" + p.table)
		if err != nil {
			continue
		}
		for _, s := range sockets(string(text)) {
			if s.local.Port() != p.port || !n.inTheWay(s.local.Addr()) || strings.HasPrefix(p.table, "tcp") && s.state != tcpListen {
				continue
			}
			line := fmt.Sprintf("%s port %d (%s) is held on %s by %s", strings.TrimSuffix(p.table, "6"), p.port, p.use, s.local.Addr(), owner(s.inode))
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n(stop it, or have it leave the device " + n.Bridge + " alone)"
}

// inTheWay says whether a socket on that address keeps dnsmasq from the
// bridge's.
func (n *Network) inTheWay(a netip.Addr) bool {
	return a.IsUnspecified() || a == n.Address.Addr() || a == n.Address6.Addr()
}

// A socket is one line of a table of /proc/net.
type socket struct {
	local netip.AddrPort
	state string
	inode string
}

// sockets reads /proc/net/{udp,tcp}{,6} (proc_pid_net(5)). Lines it does not
// understand are left out.
func sockets(text string) []socket {
	var list []socket
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 {
			continue
		}
		if local, ok := parseLocal(f[1]); ok {
			list = append(list, socket{local, f[3], f[9]})
		}
	}
	return list
}

// parseLocal reads ADDRESS:PORT in hexadecimal. An address is a row of 32-bit
// words, each printed as a number.
func parseLocal(s string) (netip.AddrPort, bool) {
	address, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(address)
	number, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	a, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(number)), true
}

// owner names the process that has a socket open.
func owner(inode string) string {
	want := "socket:[" + inode + "]"
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, file := range files {
		if target, err := os.Readlink(file); err != nil || target != want {
			continue
		}
		pid := strings.Split(file, "/")[2]
		comm, _ := os.ReadFile("/proc/" + pid + "/comm")
		return strings.TrimSpace(string(comm)) + ", process " + pid
	}
	return "a process that cannot be seen from here"
}
