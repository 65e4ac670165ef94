package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gantry/pkg/plan"

	"github.com/vishvananda/netns"
)

func TestVethOnBridge(t *testing.T) {
	onHost(t)
	ns := container(t)
	devices := []plan.Network{{
		Type: "veth", Link: "br0", Up: true, HWAddr: "2:0:00:11:22:33",
		IPv4:     []plan.Address{{IP: "10.9.0.5", Prefix: 24, Broadcast: "10.9.0.255"}, {IP: "10.9.0.6", Prefix: 32}},
		IPv6:     []plan.Address{{IP: "fd09::5", Prefix: 64}},
		Gateway4: plan.Gateway{Kind: "auto"}, Gateway6: plan.Gateway{Kind: "auto"},
		Veth: plan.Veth{RXQueues: 3, TXQueues: 2},
	}}
	live := start(t, devices, ns, noScript)
	if l := live[0]; l.Name != "eth0" || len(l.Host) != len("vethXXXXXX") || l.Gateway4 != "10.9.0.1" || l.Gateway6 != "fd09::1" {
		t.Errorf("live = %+v", l)
	}
	wantAll(t, "the container", inside(t, ns, "ip -d addr; ip route; ip -6 route"),
		"eth0@", "mtu 1400", "link/ether 02:00:00:11:22:33", "numtxqueues 2 numrxqueues 3", "BROADCAST,MULTICAST,UP", "qlen 1000",
		"inet 10.9.0.5/24 brd 10.9.0.255 scope global eth0", "inet 10.9.0.6/32 scope global eth0", "fd09::5/64",
		"lo: <LOOPBACK,UP", "default via 10.9.0.1 dev eth0", "default via fd09::1 dev eth0")
	wantAll(t, "the host", shell(t, "ip -d link show dev "+live[0].Host+"; cat /proc/sys/net/ipv6/conf/"+live[0].Host+"/disable_ipv6"),
		"master br0", "mtu 1400", "link/ether fe:", "BROADCAST,MULTICAST,UP", "\n1\n")
	inside(t, ns, "ping -c1 -W2 10.9.0.1")
	if NeedsTeardown(live) {
		t.Error("NeedsTeardown = true for a veth without scripts; want false")
	}
	want := map[string]string{"lxc.net.0.name": "eth0", "lxc.net.0.veth.pair": live[0].Host}
	if got := Facts(live); !reflect.DeepEqual(got, want) {
		t.Errorf("Facts = %v; want %v", got, want)
	}
	if err := Teardown(live, ns, noScript, nil); err != nil {
		t.Error(err)
	}
	if got := shell(t, "ip -br link"); strings.Contains(got, "veth") {
		t.Errorf("after Teardown: %s", got)
	}
	if err := Teardown(live, ns, noScript, nil); err != nil {
		t.Errorf("a second Teardown: %v", err)
	}
}

func TestSeveralDevices(t *testing.T) {
	onHost(t)
	ns := container(t)
	devices := []plan.Network{
		{Index: 0, Type: "veth", Up: true},
		{Index: 2, Type: "veth", Name: "eth0", MTU: 1300},
		{Index: 3, Type: "empty"},
		{Index: 5, Type: "none"},
		{Index: 7, Type: "veth", Veth: plan.Veth{Pair: "mine"}, IPv4: []plan.Address{{IP: "10.7.0.2", Prefix: 24}}},
	}
	live := start(t, devices, ns, noScript)
	var names []string
	for _, l := range live {
		names = append(names, l.Name)
	}
	if want := []string{"eth1", "eth0", "lo", "", "eth2"}; !slices.Equal(names, want) {
		t.Errorf("names %q; want %q", names, want)
	}
	wantAll(t, "the container", inside(t, ns, "ip addr"), "eth0@", "mtu 1300", "eth1@", "eth2@", "inet 10.7.0.2/24 scope global eth2")
	wantAll(t, "the host", shell(t, "ip link show dev mine"), "mtu 1500", "UP")
}

func TestRoutesOnTheHost(t *testing.T) {
	onHost(t)
	devices := []plan.Network{{Type: "veth", Link: "br0", Veth: plan.Veth{Pair: "mine", Routes4: []string{"10.77.0.0/16"}, Routes6: []string{"fd77::/64"}}}}
	start(t, devices, container(t), noScript)
	wantAll(t, "the host", shell(t, "ip route show dev mine; ip -6 route show dev mine"), "10.77.0.0/16 scope link", "fd77::/64")
}

func TestGateways(t *testing.T) {
	onHost(t)
	tests := []struct {
		name   string
		device plan.Network
		want   []string
	}{
		{"outside the network", plan.Network{
			IPv4: []plan.Address{{IP: "10.9.0.5", Prefix: 24}}, Gateway4: plan.Gateway{Kind: "addr", IP: "192.168.7.1"},
			IPv6: []plan.Address{{IP: "fd09::5", Prefix: 64}}, Gateway6: plan.Gateway{Kind: "addr", IP: "fd77::1"},
		}, []string{"default via 192.168.7.1 dev eth0", "192.168.7.1 dev eth0", "default via fd77::1 dev eth0", "fd77::1 dev eth0"}},
		{"link-local", plan.Network{Gateway6: plan.Gateway{Kind: "addr", IP: "fe80::1"}}, []string{"default via fe80::1 dev eth0"}},
		{"dev", plan.Network{
			IPv4: []plan.Address{{IP: "10.9.0.5", Prefix: 32}}, Gateway4: plan.Gateway{Kind: "dev"},
			IPv6: []plan.Address{{IP: "fd09::5", Prefix: 128}}, Gateway6: plan.Gateway{Kind: "dev"},
		}, []string{"unicast default dev eth0 proto boot scope global \n", "unicast default dev eth0 proto boot scope global metric"}},
	}
	for _, test := range tests {
		ns := container(t)
		test.device.Type, test.device.Up = "veth", true
		live := start(t, []plan.Network{test.device}, ns, noScript)
		show := "ip route; ip -6 route"
		if test.name == "dev" {
			show = "ip -d route; ip -d -6 route"
		}
		wantAll(t, test.name, inside(t, ns, show), test.want...)
		Teardown(live, ns, noScript, nil)
	}
}

func TestScripts(t *testing.T) {
	onHost(t)
	shell(t, "ip link add p0 type veth peer name p1")
	ns := container(t)
	hook := func(stage string) *plan.Hook { return &plan.Hook{Section: "net", Stage: stage} }
	devices := []plan.Network{
		{Index: 0, Type: "veth", Link: "br0", Veth: plan.Veth{Pair: "v0"}, ScriptUp: hook("up"), ScriptDown: hook("down")},
		{Index: 1, Type: "empty", ScriptUp: hook("up"), ScriptDown: hook("down")},
		{Index: 2, Type: "phys", Link: "p0", ScriptUp: hook("up"), ScriptDown: hook("down")},
		{Index: 3, Type: "none", ScriptUp: hook("up"), ScriptDown: hook("down")},
		{Index: 4, Type: "veth", Veth: plan.Veth{Pair: "v4"}, ScriptUp: hook("up"), ScriptDown: hook("down")},
	}
	var got []string
	record := func(h plan.Hook, args, env []string) error {
		host := strings.Fields(shell(t, "ls /proc/sys/net/ipv4/conf"))
		there := func(name string) string {
			if slices.Contains(host, name) {
				return " " + name
			}
			return ""
		}
		got = append(got, fmt.Sprintf("%s %v %v with%s%s%s", h.Stage, args, env, there("v0"), there("p0"), there("v4")))
		return nil
	}
	live := start(t, devices, ns, record)
	text, err := json.Marshal(live)
	if err != nil {
		t.Fatal(err)
	}
	var later []Live
	if err := json.Unmarshal(text, &later); err != nil {
		t.Fatal(err)
	}
	if !NeedsTeardown(later) {
		t.Error("NeedsTeardown = false with scripts; want true")
	}
	if err := Teardown(later, ns, record, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"up [veth br0 v0] [LXC_NET_TYPE=veth LXC_NET_PARENT=br0 LXC_NET_PEER=v0] with v0 p0",
		"up [empty] [LXC_NET_TYPE=empty] with v0 p0",
		"up [phys p0] [LXC_NET_TYPE=phys LXC_NET_PARENT=p0] with v0 p0",
		"up [veth v4] [LXC_NET_TYPE=veth LXC_NET_PARENT= LXC_NET_PEER=v4] with v0 p0 v4",
		"down [veth br0 v0] [LXC_NET_TYPE=veth LXC_NET_PARENT=br0 LXC_NET_PEER=v0] with v0 p0 v4",
		"down [empty] [LXC_NET_TYPE=empty] with p0 v4",
		"down [phys p0] [LXC_NET_TYPE=phys LXC_NET_PARENT=p0] with p0 v4",
		"down [veth v4] [LXC_NET_TYPE=veth LXC_NET_PARENT= LXC_NET_PEER=v4] with p0 v4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("scripts:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFailedScriptUndoes(t *testing.T) {
	onHost(t)
	shell(t, "ip link add p0 type veth peer name p1")
	ns := container(t)
	hook := &plan.Hook{Stage: "up"}
	down := &plan.Hook{Stage: "down"}
	devices := []plan.Network{
		{Index: 0, Type: "veth", Link: "br0", ScriptDown: down},
		{Index: 1, Type: "phys", Link: "p0"},
		{Index: 2, Type: "veth", ScriptUp: hook, ScriptDown: down},
		{Index: 3, Type: "veth", ScriptDown: down},
	}
	sorry := errors.New("sorry")
	downs := 0
	_, err := Create(devices, ns, func(h plan.Hook, args, env []string) error {
		if h.Stage == "up" {
			return sorry
		}
		downs++
		return nil
	}, nil)
	if !errors.Is(err, sorry) {
		t.Errorf("error %v; want %v", err, sorry)
	}
	if downs != 2 {
		t.Errorf("%d down scripts; want those of the 2 devices that were made", downs)
	}
	got := shell(t, "ip -br link")
	if strings.Contains(got, "veth") || !strings.Contains(got, "p0@") {
		t.Errorf("left on the host: %s", got)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	onHost(t)
	shell(t, "ip link add p0 type veth peer name p1")
	origin := func(key string, line int) map[string]plan.Origin {
		return map[string]plan.Origin{key: {File: "web/config", Line: line, Key: "lxc.net.0." + key}}
	}
	base := plan.Origin{File: "web/config", Line: 3, Key: "lxc.net.0.type"}
	gateway := plan.Gateway{Kind: "auto", Origin: plan.Origin{File: "web/config", Line: 9, Key: "lxc.net.0.ipv4.gateway"}}
	tests := []struct {
		device plan.Network
		want   string
	}{
		{plan.Network{Type: "veth", Link: "lxcbr0", Origins: origin("link", 4)},
			"web/config:4: lxc.net.0.link: there is no bridge lxcbr0 (start it: systemctl start lxc-net, or libexec/lxc/lxc-net start; with USE_LXC_BRIDGE=\"true\" in /etc/default/lxc-net)"},
		{plan.Network{Type: "veth", Link: "nobr"}, "web/config:3: lxc.net.0.link: there is no bridge nobr (make it: ip link add nobr type bridge)"},
		{plan.Network{Type: "veth", Link: "p0"}, "p0 is no bridge of the kernel's"},
		{plan.Network{Type: "phys", Link: "nic7"}, "lxc.net.0.link: there is no device nic7"},
		{plan.Network{Type: "phys", Link: "nic+"}, "no device's name begins with nic "},
		{plan.Network{Type: "phys", Link: "lo"}, "lo cannot leave the host"},
		{plan.Network{Type: "phys", Link: "br0"}, "lxc.net.0.link: moving br0 into the container: devices of this kind are bound to their namespace"},
		{plan.Network{Type: "macvlan", Link: "nic7"}, "there is no device nic7"},
		{plan.Network{Type: "veth", Veth: plan.Veth{Pair: "p0"}, Origins: origin("veth.pair", 5)},
			"web/config:5: lxc.net.0.veth.pair: p0 belongs to a pair of this host (choose another name)"},
		{plan.Network{Type: "veth", Veth: plan.Veth{Pair: "br0"}}, "lxc.net.0.veth.pair: br0 is a bridge device of this host"},
		{plan.Network{Type: "veth", Name: "lo"}, "lxc.net.0.name: the container has its own lo"},
		{plan.Network{Type: "empty", Name: "x"}, "lxc.net.0.name: an empty network has lo only"},
		{plan.Network{Type: "veth", Link: "p0", Gateway4: gateway}, "web/config:9: lxc.net.0.ipv4.gateway: p0 has no address to be found"},
		{plan.Network{Type: "veth", Veth: plan.Veth{Routes4: []string{"10.9.0.0/24", "10.9.0.0/24"}}, Origins: origin("veth.ipv4.route", 7)},
			"web/config:7: lxc.net.0.veth.ipv4.route: route to 10.9.0.0/24 by veth"},
		{plan.Network{Type: "vlan"}, "web/config:3: lxc.net.0.type: no network device is of this type"},
	}
	before := shell(t, "ip -br link")
	for _, test := range tests {
		test.device.Origin = base
		_, err := Create([]plan.Network{test.device}, container(t), noScript, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v; want %q", err, test.want)
		}
	}
	if after := shell(t, "ip -br link"); after != before {
		t.Errorf("left on the host:\n%swant:\n%s", after, before)
	}
}

func TestConfigureErrors(t *testing.T) {
	onHost(t)
	line := plan.Origin{File: "web/config", Line: 8, Key: "lxc.net.0.ipv4.address"}
	address := plan.Address{IP: "10.9.0.5", Prefix: 24, Origin: line}
	devices := []plan.Network{{Type: "veth", IPv4: []plan.Address{address, address}}}
	ns := container(t)
	live, err := Create(devices, ns, noScript, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = Configure(devices, live, ns)
	if want := "web/config:8: lxc.net.0.ipv4.address: adding 10.9.0.5/24 to eth0: file exists"; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

func TestStalePair(t *testing.T) {
	onHost(t)
	devices := []plan.Network{{Type: "veth", Veth: plan.Veth{Pair: "mine"}, Origins: map[string]plan.Origin{}}}
	old := container(t)
	start(t, devices, old, noScript)
	// While somebody lives there the name is taken ...
	sleep := exec.Command("nsenter", "--net=/proc/self/fd/3", "sleep", "60")
	sleep.ExtraFiles = []*os.File{old}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	waitComm(t, sleep.Process.Pid, "sleep")
	_, err := Create(devices, container(t), noScript, nil)
	want := fmt.Sprintf("lxc.net.0.veth.pair: mine is in use by process %d, sleep (choose another name)", sleep.Process.Pid)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want %s", err, want)
	}
	// ... and a kept namespace where nobody lives is no owner.
	sleep.Process.Kill()
	sleep.Wait()
	start(t, devices, container(t), noScript)
}

// BenchmarkVeth measures what a start pays for a veth on a bridge. Between two
// rounds the kernel gets the time to clear the last namespace away, which it
// does under the lock that everything here needs.
func BenchmarkVeth(b *testing.B) {
	onHost(b)
	devices := []plan.Network{{Type: "veth", Link: "br0", Up: true, IPv4: []plan.Address{{IP: "10.9.0.5", Prefix: 24}}, Gateway4: plan.Gateway{Kind: "auto"}}}
	for b.Loop() {
		b.StopTimer()
		time.Sleep(50 * time.Millisecond)
		ns := container(b)
		b.StartTimer()
		live := start(b, devices, ns, noScript)
		b.StopTimer()
		Teardown(live, ns, noScript, nil)
		ns.Close()
		b.StartTimer()
	}
}

func TestManyAtOnce(t *testing.T) {
	onHost(t)
	host, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	const n = 20
	failures := make(chan error, n)
	for range n {
		ns := container(t)
		go func() {
			runtime.LockOSThread() // and never unlock: the thread is in the wrong namespace
			err := netns.Set(host)
			if err == nil {
				_, err = Create([]plan.Network{{Type: "veth", Link: "br0"}, {Type: "veth", Link: "br0"}}, ns, noScript, nil)
			}
			failures <- err
		}()
	}
	for range n {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	if got := strings.Count(shell(t, "ip -br link show master br0"), "veth"); got != 2*n {
		t.Errorf("%d ports; want %d", got, 2*n)
	}
}

// The namespace belongs to the container's user namespace, not to the host's.
func TestUserNamespace(t *testing.T) {
	onHost(t)
	sleep := exec.Command("unshare", "--user", "--map-root-user", "--net", "sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { sleep.Process.Kill(); sleep.Wait() }()
	waitComm(t, sleep.Process.Pid, "sleep")
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", sleep.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	start(t, []plan.Network{{Type: "veth", Link: "br0", Up: true, IPv4: []plan.Address{{IP: "10.9.0.5", Prefix: 24}}}}, ns, noScript)
	inside(t, ns, "ping -c1 -W2 10.9.0.1")
}
