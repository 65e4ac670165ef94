package network

import (
	"strings"
	"testing"

	"gantry/pkg/plan"
)

// hasMacvlan says whether the kernel has such devices.
func hasMacvlan(t *testing.T) bool {
	return strings.Contains(shell(t, "ip link add w0 type veth peer name w1; ip link add mv0 link w0 type macvlan 2>&1 && echo yes || true; ip link del w0"), "yes")
}

func TestMacvlan(t *testing.T) {
	onHost(t)
	shell(t, "ip link add p0 type veth peer name p1; ip link set p0 up; ip link set p1 up; ip addr add 10.6.0.1/24 dev p0")
	devices := []plan.Network{
		{Index: 0, Type: "macvlan", Link: "p1", MACVLANMode: "bridge", MTU: 1400, HWAddr: "02:00:00:00:00:07", Up: true,
			IPv4:     []plan.Address{{IP: "10.6.0.2", Prefix: 24, Broadcast: "10.6.0.255"}},
			ScriptUp: &plan.Hook{Stage: "up"}},
		{Index: 1, Type: "macvlan", Link: "p1"},
	}
	ns := container(t)
	during := ""
	up := func(h plan.Hook, args, env []string) error {
		during = strings.Join(args, " ") + "|" + strings.Join(env, " ") + "|" + shell(t, "ip -br link")
		return nil
	}
	live, err := Create(devices, ns, up, nil)
	if !hasMacvlan(t) {
		want := "lxc.net.0.type: making a macvlan device on p1: the kernel has no macvlan devices (modprobe macvlan): operation not supported"
		if err == nil || err.Error() != want {
			t.Errorf("error %v; want %s", err, want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := Configure(devices, live, ns); err != nil {
		t.Fatal(err)
	}
	wantAll(t, "script.up", during, "macvlan p1|LXC_NET_TYPE=macvlan LXC_NET_PARENT=p1|", "\nmc")
	wantAll(t, "the container", inside(t, ns, "ip -d addr"), "eth0@", "eth1@", "mtu 1400", "02:00:00:00:00:07", "inet 10.6.0.2/24", "macvlan mode bridge", "macvlan mode private")
	inside(t, ns, "ping -c1 -W2 10.6.0.1")
	if NeedsTeardown(live) {
		t.Error("NeedsTeardown = true for macvlan without scripts; want false")
	}
	if got := shell(t, "ip -br link"); strings.Contains(got, "mc") {
		t.Errorf("left on the host: %s", got)
	}
	if err := Teardown(live, ns, noScript, nil); err != nil {
		t.Error(err)
	}
}

// What was made before the move goes when something else fails.
func TestMacvlanUndone(t *testing.T) {
	onHost(t)
	if !hasMacvlan(t) {
		t.Log("this kernel has no macvlan: TestMacvlan shows what is said then")
		return
	}
	shell(t, "ip link add p0 type veth peer name p1; ip link add br2 type bridge; ip link set p0 master br2")
	devices := []plan.Network{{Index: 0, Type: "macvlan", Link: "p1", ScriptUp: &plan.Hook{Stage: "up"}}, {Index: 1, Type: "macvlan", Link: "p0"}}
	up := func(plan.Hook, []string, []string) error { return nil }
	_, err := Create(devices, container(t), up, nil)
	if want := "lxc.net.1.link: p0 is a port of a bridge or has a passthru device already"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want %s", err, want)
	}
	if got := shell(t, "ip -br link"); strings.Contains(got, "mc") {
		t.Errorf("left on the host: %s", got)
	}
}
