package network

import (
	"os"
	"strings"
	"testing"

	"gantry/pkg/plan"

	"github.com/vishvananda/netns"
)

func TestPhys(t *testing.T) {
	onHost(t)
	shell(t, `ip link add p0 type veth peer name p1
		ip link set p0 mtu 1420 address 02:00:00:00:00:01 up
		ip link property add dev p0 altname enp7s0 altname lan7`)
	ns := container(t)
	devices := []plan.Network{
		{Index: 0, Type: "veth", Name: "p0"}, // in the way of the device's own name
		{Index: 1, Type: "phys", Link: "p0", Name: "lan7", MTU: 1300, HWAddr: "02:00:00:00:00:99", Up: true,
			IPv4: []plan.Address{{IP: "10.5.0.1", Prefix: 24, Broadcast: "10.5.0.255"}}},
	}
	live := start(t, devices, ns, noScript)
	wantAll(t, "the container", inside(t, ns, "ip addr show dev lan7"), "mtu 1300", "02:00:00:00:00:99", "10.5.0.1/24", "altname enp7s0", "UP")
	if got := shell(t, "ip -br link"); strings.Contains(got, "p0@") {
		t.Errorf("p0 is still on the host: %s", got)
	}
	if !NeedsTeardown(live) {
		t.Error("NeedsTeardown = false with a lent device; want true")
	}
	// A container may do with names what it likes.
	inside(t, ns, "ip link set lan7 down; ip link set lan7 name trick; ip link property add dev trick altname br0")
	if err := Teardown(live, ns, noScript, nil); err != nil {
		t.Error(err)
	}
	got := shell(t, "ip link show dev p0")
	wantAll(t, "the host", got, ": p0@", "mtu 1420", "02:00:00:00:00:01", "altname enp7s0", "altname lan7")
	if strings.Contains(got, "altname br0") {
		t.Errorf("the container's name came along: %s", got)
	}
}

func TestPhysPrefix(t *testing.T) {
	onHost(t)
	shell(t, "ip link add nic1 type veth peer name nic2; ip link add nic0 type veth peer name x0")
	ns := container(t)
	live := start(t, []plan.Network{{Type: "phys", Link: "nic+"}}, ns, noScript)
	if live[0].Link != "nic0" || live[0].Name != "nic0" {
		t.Errorf("nic+ is %+v; want nic0, the last device of the list", live[0])
	}
	inside(t, ns, "ip link show dev nic0")
}

// A device that nobody takes back returns under its name in the container.
func TestPhysFoundAgain(t *testing.T) {
	onHost(t)
	shell(t, "ip link add p0 type veth peer name p1")
	devices := []plan.Network{{Type: "phys", Link: "p0", Name: "eth5"}}
	first := container(t)
	live := start(t, devices, first, noScript)
	host, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	if err := move(netns.NsHandle(first.Fd()), live[0].Device, host, "eth5"); err != nil {
		t.Fatal(err)
	}
	second := container(t)
	live = start(t, devices, second, noScript)
	if err := Teardown(live, second, noScript, nil); err != nil {
		t.Error(err)
	}
	wantAll(t, "the host", shell(t, "ip -br link"), "p0@")
}

func TestPhysNameTaken(t *testing.T) {
	onHost(t)
	shell(t, "ip link add p0 type veth peer name p1")
	ns := container(t)
	live := start(t, []plan.Network{{Type: "phys", Link: "p0", Name: "eth5"}}, ns, noScript)
	shell(t, "ip link add p0 type bridge")
	err := Teardown(live, ns, noScript, nil)
	if want := "lxc.net.0: p0 is taken: the device is back as "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want %q", err, want)
	}
	wantAll(t, "the host", shell(t, "ip -br link"), "phys0@")
}

func TestPhysGone(t *testing.T) {
	onHost(t)
	shell(t, "ip link add p0 type veth peer name p1")
	ns := container(t)
	live := start(t, []plan.Network{{Type: "phys", Link: "p0"}}, ns, noScript)
	inside(t, ns, "ip link del p0")
	err := Teardown(live, ns, noScript, nil)
	if want := "lxc.net.0: p0 is no longer in the container"; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}
