package lxcnet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "lxc"), filepath.Join(dir, "lxc-net")
	os.WriteFile(first, []byte("# LXC_AUTO\nUSE_LXC_BRIDGE=\"false\"  # overridden in lxc-net\n\n[ ! -f /etc/default/lxc-net ] || . /etc/default/lxc-net\n"), 0o644)
	os.WriteFile(second, []byte("USE_LXC_BRIDGE=true\n"), 0o644)
	vars, err := Read(first, filepath.Join(dir, "none"), second)
	if err != nil {
		t.Fatal(err)
	}
	if got := vars["USE_LXC_BRIDGE"]; got.Value != "true" || got.Origin.String() != second+":1: USE_LXC_BRIDGE" {
		t.Errorf("USE_LXC_BRIDGE = %+v", got)
	}
}

func TestParse(t *testing.T) {
	tests := []struct{ text, want string }{
		{`A=b`, "map[A:b]"},
		{`A="b c" B='d "e"'f # g`, `map[A:b c B:d "e"f]`},
		{"export A=1; B=2\nC=\n", "map[A:1 B:2 C:]"},
		{`A="x\"y\$z\n" B=a\ b`, `map[A:x"y$z\n B:a b]`},
		{"A=b\\\nc", "map[A:bc]"},
		{"A='b\nc'", "map[A:b\nc]"},
		{`BR=br0 CONF="/etc/${BR}.conf" X=$BR/$NO/$`, "map[BR:br0 CONF:/etc/br0.conf X:br0//$]"},
		{"if true; then\nA=1\nfi\nA+=2\nfoo A=3", "map[A:1]"},
		{`A='$(x)'`, "map[A:$(x)]"},
	}
	for _, test := range tests {
		vars := map[string]Variable{}
		if err := parse("f", test.text, vars); err != nil {
			t.Errorf("parse(%q): %v", test.text, err)
			continue
		}
		values := map[string]string{}
		for name, v := range vars {
			values[name] = v.Value
		}
		if got := fmt.Sprint(values); got != test.want {
			t.Errorf("parse(%q) = %s; want %s", test.text, got, test.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"\nA=$(hostname)", "f:2: A: the output of a command cannot be used here (write the value itself)"},
		{"A=\"`hostname`\"", "f:1: A: the output of a command"},
		{"A=1\nB='x\n\n", "f:2: B: the quotation mark ' is not closed (add another)"},
		{"A=${B:-c}", "f:1: A: only $NAME and ${NAME} can be used here"},
	}
	for _, test := range tests {
		if err := parse("f", test.text, map[string]Variable{}); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("parse(%q): %v; want %s", test.text, err, test.want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"LXC_ADDR=10.0.3.300", `f:1: LXC_ADDR: "10.0.3.300" is not an address of this family`},
		{"LXC_ADDR=fd00::1", "f:1: LXC_ADDR: "},
		{"LXC_NETMASK=255.0.255.0", `f:1: LXC_NETMASK: "255.0.255.0" is not a network mask`},
		{"LXC_NETWORK=10.0.3.0", "f:1: LXC_NETWORK: "},
		{"LXC_BRIDGE=averyverylongname", "f:1: LXC_BRIDGE: "},
		{"LXC_BRIDGE_MAC=1:2", "f:1: LXC_BRIDGE_MAC: "},
		{"LXC_DHCP_MAX=many", "f:1: LXC_DHCP_MAX: "},
		{"LXC_IPV6_MASK=129", "f:1: LXC_IPV6_MASK: "},
	}
	for _, test := range tests {
		vars := map[string]Variable{}
		parse("f", test.text, vars)
		if _, err := New(vars, machineID); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("New(%q): %v; want %s", test.text, err, test.want)
		}
	}
}

func TestIPv6Settings(t *testing.T) {
	tests := []struct{ text, id, want string }{
		{"", machineID, "fd35:ebd9:34c7:8553::1/64 true"},
		{"", "", "invalid Prefix true"},
		{"LXC_IPV6_ENABLE=false", machineID, "invalid Prefix true"},
		{"LXC_IPV6_ADDR=", machineID, "invalid Prefix true"},
		{"LXC_IPV6_ADDR=fd00::1\nLXC_IPV6_MASK=48\nLXC_IPV6_NETWORK=fd00::/48\nLXC_IPV6_NAT=false", machineID, "fd00::1/48 false"},
	}
	for _, test := range tests {
		vars := map[string]Variable{}
		parse("f", test.text, vars)
		s, err := New(vars, test.id)
		if got := fmt.Sprint(s.Address6, s.NAT6); err != nil || got != test.want {
			t.Errorf("New(%q) gives %s, %v; want %s", test.text, got, err, test.want)
		}
	}
}

func TestSockets(t *testing.T) {
	text := `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  513: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 17811 2 0000000000000000 0
  nonsense
  600: 000080FE00000000FF005450FE0000AA:0043 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 42 2 0 0
`
	var got []string
	for _, s := range sockets(text) {
		got = append(got, s.local.String()+" "+s.state+" "+s.inode)
	}
	if want := []string{"127.0.0.53:53 07 17811", "[fe80::5054:ff:aa00:fe]:67 07 42"}; !slices.Equal(got, want) {
		t.Errorf("sockets = %q; want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("A=\"b $C ${D}\" 'e'\\\nexport F=1")
	f.Fuzz(func(t *testing.T, text string) { parse("f", text, map[string]Variable{}) })
}

func FuzzSockets(f *testing.F) {
	f.Add("  513: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000 101 0 17811 2 0 0\n")
	f.Fuzz(func(t *testing.T, text string) { sockets(text) })
}
