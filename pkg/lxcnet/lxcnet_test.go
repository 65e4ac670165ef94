package lxcnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const machineID = "0123456789abcdef0123456789abcdef\n"

// onHost makes the test's thread a machine of its own, with nothing but lo.
// The thread ends with the test and takes it along.
func onHost(t testing.TB) {
	t.Helper()
	runtime.LockOSThread()
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	shell(t, "ip link set lo up")
}

// shell runs a script in the thread's namespaces and gives its output.
func shell(t testing.TB, script string) string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return string(out)
}

// network is a network with the default settings and files of its own, and
// the warnings it gave.
func network(t testing.TB, variables ...string) (*Network, *[]string) {
	t.Helper()
	vars := map[string]Variable{}
	if err := parse("lxc-net", strings.Join(variables, "\n"), vars); err != nil {
		t.Fatal(err)
	}
	settings, err := New(vars, machineID)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "lxcnet")
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o755) // dnsmasq comes here as another user
	t.Cleanup(func() { os.RemoveAll(dir) })
	var warnings []string
	n := &Network{Settings: settings, RunDir: filepath.Join(dir, "run"), LeaseDir: filepath.Join(dir, "misc"),
		Warn: func(text string) { warnings = append(warnings, text) }}
	t.Cleanup(func() { n.stopDNSMasq() })
	return n, &warnings
}

func mustStart(t testing.TB, n *Network) {
	t.Helper()
	if err := n.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// ruleset is what `nft list ruleset` shows of LXC's own script.
const ruleset = `table inet lxc {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "lxcbr0" udp dport { 53, 67 } accept
		iifname "lxcbr0" tcp dport { 53, 67 } accept
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "lxcbr0" accept
		oifname "lxcbr0" accept
	}
}
table ip lxc {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.0.3.0/24 ip daddr != 10.0.3.0/24 counter packets 0 bytes 0 masquerade
	}
}
table ip6 lxc {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip6 saddr fd35:ebd9:34c7:8553::/64 ip6 daddr != fd35:ebd9:34c7:8553::/64 counter packets 0 bytes 0 masquerade
	}
}
`

func TestStartStop(t *testing.T) {
	onHost(t)
	n, warnings := network(t)
	mustStart(t, n)
	if got := shell(t, "nft -s list ruleset"); got != strings.ReplaceAll(ruleset, " packets 0 bytes 0", "") {
		t.Errorf("rules:\n%s\nwant:\n%s", got, ruleset)
	}
	got := shell(t, "ip addr show dev lxcbr0; cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/lxcbr0/autoconf")
	for _, want := range []string{"10:66:6a:00:00:00", "inet 10.0.3.1/24 brd 10.0.3.255", "inet6 fd35:ebd9:34c7:8553::1/64", ",UP>", "\n1\n1\n0\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the host lacks %q: %s", want, got)
		}
	}
	if err := n.Start(context.Background()); !errors.Is(err, ErrRunning) {
		t.Errorf("second Start: %v; want %v", err, ErrRunning)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := shell(t, "nft list ruleset; ls "+n.RunDir); got != "" {
		t.Errorf("left: %s", got)
	}
	if got := shell(t, "ip -br link"); strings.Contains(got, "lxcbr0") {
		t.Errorf("left: %s", got)
	}
	if err := n.Stop(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("second Stop: %v; want %v", err, ErrNotRunning)
	}
	if len(*warnings) > 0 {
		t.Errorf("warnings %q; want none", *warnings)
	}
}

func TestNotWanted(t *testing.T) {
	onHost(t)
	n, _ := network(t, `USE_LXC_BRIDGE="false"`)
	mustStart(t, n)
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
	if got := shell(t, "ip -br link"); strings.Contains(got, "lxcbr0") {
		t.Errorf("made all the same: %s", got)
	}
}

// A client in another namespace gets an address and reaches the bridge, its
// DNS, and through it another network.
func TestLease(t *testing.T) {
	onHost(t)
	n, _ := network(t, "LXC_DHCP_PING=false", "LXC_DOMAIN=lxc")
	mustStart(t, n)
	world, client := namespace(t), namespace(t)
	shell(t, "ip link add out type veth peer name in netns "+world+"; ip addr add 192.0.2.1/24 dev out; ip link set out up")
	inside(t, world, "ip addr add 192.0.2.2/24 dev in; ip link set in up")
	shell(t, "ip link add vethc type veth peer name eth0 netns "+client+"; ip link set vethc master lxcbr0 up")

	script, lease := filepath.Join(n.RunDir, "script"), filepath.Join(n.RunDir, "lease")
	text := "#!/bin/sh\n[ $1 = bound ] || exit 0\nip addr add $ip/$mask dev $interface; ip route add default via $router; echo $dns $domain >" + lease
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	inside(t, client, "ip link set lo up; ip link set eth0 up; busybox timeout 30 busybox udhcpc -i eth0 -n -q -f -t 20 -T 1 -F box -s "+script)
	if got, _ := os.ReadFile(lease); string(got) != "10.0.3.1 lxc\n" {
		t.Errorf("the lease names %q; want DNS and domain of the network", got)
	}
	inside(t, client, `ip -4 addr show dev eth0 | grep 'inet 10\.0\.3\.'
		ping -c1 -W2 10.0.3.1
		ping -c1 -W2 192.0.2.2
		busybox nslookup box.lxc 10.0.3.1 | grep 'Address.*10\.0\.3\.'`)
	inside(t, client, `for i in $(seq 50); do ip -6 addr show dev eth0 | grep 'inet6 fd35:ebd9:34c7:8553:' && exit; sleep 0.1; done; exit 1`)
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
}

// namespace makes a network namespace that lives as long as the test, and
// gives the pid of the process that keeps it.
func namespace(t testing.TB) string {
	t.Helper()
	keeper := exec.Command("unshare", "-n", "cat")
	hold, err := keeper.StdinPipe()
	if err == nil {
		err = keeper.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Close(); keeper.Wait() })
	pid := strconv.Itoa(keeper.Process.Pid)
	for range 1000 {
		if comm, _ := os.ReadFile("/proc/" + pid + "/comm"); string(comm) == "cat\n" {
			return pid
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("no namespace")
	return ""
}

// inside runs a script in the network namespace of the process pid.
func inside(t testing.TB, pid, script string) {
	t.Helper()
	shell(t, "exec nsenter --net=/proc/"+pid+"/ns/net /bin/sh -ec '"+strings.ReplaceAll(script, "'", `'\''`)+"'")
}

// What a killed Start or a killed dnsmasq left behind does not matter.
func TestRemnants(t *testing.T) {
	onHost(t)
	n, _ := network(t)
	mustStart(t, n)
	killDNSMasq(t, n)
	mustStart(t, n) // the marker stands for nothing now
	shell(t, "ip link del lxcbr0")
	mustStart(t, n)
	os.Remove(n.upFile())
	mustStart(t, n)

	// Somebody else's process under the old number stays alive.
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { sleep.Process.Kill(); sleep.Wait() }()
	killDNSMasq(t, n)
	os.WriteFile(n.pidFile(), fmt.Appendln(nil, sleep.Process.Pid), 0o644)
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
	if state := shell(t, fmt.Sprintf("grep State /proc/%d/status", sleep.Process.Pid)); strings.Contains(state, "Z") {
		t.Errorf("a stranger was killed: %s", state)
	}
}

// killDNSMasq kills the daemon behind the network's back.
func killDNSMasq(t testing.TB, n *Network) {
	t.Helper()
	process, err := n.findDNSMasq()
	if err != nil || process == nil {
		t.Fatalf("findDNSMasq = %v, %v", process, err)
	}
	defer process.Close()
	unix.PidfdSendSignal(int(process.Fd()), unix.SIGKILL, nil, 0)
	if ended, err := waitEnd(int(process.Fd())); !ended {
		t.Fatal("dnsmasq does not end: ", err)
	}
}

// A bridge with containers on it outlives stop, and the next start takes it
// over.
func TestBridgeInUse(t *testing.T) {
	onHost(t)
	n, _ := network(t)
	mustStart(t, n)
	shell(t, "ip link add vethc type veth peer name eth0; ip link set vethc master lxcbr0 up")
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	got := shell(t, "ip addr show dev lxcbr0; ip link show dev vethc")
	if strings.Contains(got, "inet") || !strings.Contains(got, "master lxcbr0") {
		t.Errorf("after Stop: %s", got)
	}
	mustStart(t, n)
	got = shell(t, "ip addr show dev lxcbr0; ip link show dev vethc")
	if !strings.Contains(got, "inet 10.0.3.1/24") || !strings.Contains(got, "master lxcbr0") {
		t.Errorf("after Start: %s", got)
	}
}

func TestPortTaken(t *testing.T) {
	onHost(t)
	n, _ := network(t)
	taken, err := net.ListenPacket("udp4", "0.0.0.0:67")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = n.Start(context.Background())
	comm, _ := os.ReadFile("/proc/self/comm")
	want := fmt.Sprintf("udp port 67 (DHCP) is held on 0.0.0.0 by %s, process %d\n(stop it, or have it leave the device lxcbr0 alone)", strings.TrimSpace(string(comm)), os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "dnsmasq: ") {
		t.Errorf("error %v; want dnsmasq's and %s", err, want)
	}
	if got := shell(t, "ip -br link; nft list ruleset; ls "+n.RunDir); strings.Contains(got, "lxc") || strings.Contains(got, "pid") {
		t.Errorf("left: %s", got)
	}
}

func TestInterrupted(t *testing.T) {
	onHost(t)
	n, _ := network(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Start(ctx); err == nil {
		t.Error("Start succeeded though it was interrupted")
	}
	if got := shell(t, "ip -br link; nft list ruleset; ls "+n.RunDir); strings.Contains(got, "lxc") {
		t.Errorf("left: %s", got)
	}
}

func TestNoBridgeOfOurs(t *testing.T) {
	onHost(t)
	shell(t, "ip link add lxcbr0 type veth peer name x")
	n, _ := network(t)
	err := n.Start(context.Background())
	if want := "lxcbr0 is a veth device (set LXC_BRIDGE to another name)"; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
	shell(t, "ip link show dev lxcbr0")
}

func TestWarnsOfForeignRules(t *testing.T) {
	tests := []struct {
		name, rules string
		want        []string
	}{
		{"nothing", "add table inet my; add chain inet my forward { type filter hook forward priority 0; policy accept; }", nil},
		{"drop", "add table inet my; add chain inet my fw { type filter hook forward priority 0; policy drop; }",
			[]string{"the firewall (chain fw of table inet my) drops what is forwarded, that of lxcbr0 too; to let it pass: nft insert rule inet my fw iifname lxcbr0 accept; nft insert rule inet my fw oifname lxcbr0 accept"}},
		{"allowed", `add table inet my; add chain inet my fw { type filter hook forward priority 0; policy drop; }; add rule inet my fw iifname "lxcbr0" accept`, nil},
		{"docker", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; add chain ip filter DOCKER-USER",
			[]string{"the firewall (chain FORWARD of table ip filter) drops what is forwarded, that of lxcbr0 too; to let it pass: iptables -I DOCKER-USER -i lxcbr0 -j ACCEPT; iptables -I DOCKER-USER -o lxcbr0 -j ACCEPT"}},
		{"firewalld", "add table inet firewalld; add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }",
			[]string{"the firewall (chain filter_FORWARD of table inet firewalld) drops what is forwarded, that of lxcbr0 too; to let it pass: firewall-cmd --permanent --zone=trusted --add-interface=lxcbr0; firewall-cmd --reload"}},
		{"ufw", "add table ip6 filter; add chain ip6 filter FORWARD { type filter hook forward priority 0; policy drop; }; add chain ip6 filter ufw6-user-forward",
			[]string{"the firewall (chain FORWARD of table ip6 filter) drops what is forwarded, that of lxcbr0 too; to let it pass: ufw route allow in on lxcbr0; ufw route allow out on lxcbr0"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onHost(t)
			shell(t, "nft '"+test.rules+"'")
			n, warnings := network(t)
			n.warnOfForeignRules()
			if fmt.Sprint(*warnings) != fmt.Sprint(test.want) {
				t.Errorf("warnings %q; want %q", *warnings, test.want)
			}
		})
	}
}

// A host without IPv6 gets a network without it.
func TestNoIPv6(t *testing.T) {
	onHost(t)
	shell(t, "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
	n, warnings := network(t, "LXC_IPV6_ADDR=fd00::1", "LXC_IPV6_NETWORK=fd00::/64")
	mustStart(t, n)
	if got := shell(t, "ip -6 addr; nft list tables; cat /proc/sys/net/ipv6/conf/all/forwarding"); strings.Contains(got, "fd00") || strings.Contains(got, "ip6 lxc") || !strings.HasSuffix(got, "\n0\n") {
		t.Errorf("IPv6 is there: %s", got)
	}
	if len(*warnings) != 1 || !strings.HasPrefix((*warnings)[0], "LXC_IPV6_ADDR has no effect") {
		t.Errorf("warnings %q", *warnings)
	}
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
}

// A host that has learned its IPv6 router goes on listening to it.
func TestKeepsRouters(t *testing.T) {
	onHost(t)
	shell(t, `ip link add up0 type veth peer name x; ip link add up1 type veth peer name y
		ip link set up0 up; ip link set x up; ip link set up1 up; ip link set y up
		ip addr add 2001:db8::2/64 dev up0 nodad
		ip route add default via 2001:db8::1 dev up0 proto ra`)
	n, _ := network(t)
	mustStart(t, n)
	if got, want := shell(t, "cat /proc/sys/net/ipv6/conf/up0/accept_ra /proc/sys/net/ipv6/conf/up1/accept_ra"), "2\n1\n"; got != want {
		t.Errorf("accept_ra of up0 and up1 %q; want %q", got, want)
	}
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
}

func TestArguments(t *testing.T) {
	n, _ := network(t, "LXC_DOMAIN=lxc LXC_DHCP_PING=false", "LXC_IPV6_ENABLE=false", "LXC_DHCP_CONFILE=/etc/lxc/dnsmasq.conf", "LXC_BRIDGE=br7")
	n.RunDir, n.LeaseDir = "/run/lxc", "/var/lib/misc"
	want := "--conf-file=/etc/lxc/dnsmasq.conf -s lxc -S /lxc/ --no-ping -u " + account() + " --strict-order --bind-interfaces --pid-file=/run/lxc/dnsmasq.pid " +
		"--listen-address 10.0.3.1 --dhcp-range 10.0.3.2,10.0.3.254 --dhcp-lease-max=253 --dhcp-no-override --except-interface=lo --interface=br7 " +
		"--dhcp-leasefile=/var/lib/misc/dnsmasq.br7.leases --dhcp-authoritative"
	if got := strings.Join(n.arguments(), " "); got != want {
		t.Errorf("arguments\n%s\nwant\n%s", got, want)
	}
}

func TestInTheWay(t *testing.T) {
	n, _ := network(t)
	for address, want := range map[string]bool{"0.0.0.0": true, "::": true, "10.0.3.1": true, "127.0.0.53": false, "192.0.2.1": false} {
		if got := n.inTheWay(netip.MustParseAddr(address)); got != want {
			t.Errorf("inTheWay(%s) = %v; want %v", address, got, want)
		}
	}
}
