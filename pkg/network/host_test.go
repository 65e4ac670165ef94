package network

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"gantry/pkg/plan"

	"github.com/vishvananda/netns"
)

// onHost makes the test's thread a machine of its own: a new network namespace
// with a bridge br0 (MTU 1400, 10.9.0.1/24, fd09::1/64). The thread ends with
// the test and takes it along.
func onHost(t testing.TB) {
	t.Helper()
	runtime.LockOSThread()
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	shell(t, `ip link set lo up
		ip link add br0 mtu 1400 type bridge
		ip link set br0 up
		ip addr add 10.9.0.1/24 dev br0
		ip addr add 10.9.1.1/24 dev br0
		ip addr add fd09::1/64 dev br0 nodad`)
}

// container makes a network namespace and stays on the host.
func container(t testing.TB) *os.File {
	t.Helper()
	host, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := netns.Set(host); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(ns), "netns")
	t.Cleanup(func() { f.Close() })
	return f
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

// inside runs a script in the container's network namespace.
func inside(t testing.TB, ns *os.File, script string) string {
	t.Helper()
	cmd := exec.Command("nsenter", "--net=/proc/self/fd/3", "/bin/sh", "-ec", script)
	cmd.ExtraFiles = []*os.File{ns}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return string(out)
}

func noScript(hook plan.Hook, args, env []string) error { return errors.New("unexpected script") }

// start is Create and Configure.
func start(t testing.TB, devices []plan.Network, ns *os.File, run Script) []Live {
	t.Helper()
	live, err := Create(devices, ns, run, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Configure(devices, live, ns); err != nil {
		t.Fatal(err)
	}
	return live
}

func wantAll(t testing.TB, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", what, want, got)
		}
	}
}

// waitComm waits until the process runs the program.
func waitComm(t *testing.T, pid int, comm string) {
	t.Helper()
	for range 1000 {
		got, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if strings.TrimSpace(string(got)) == comm {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("process %d does not become %s", pid, comm)
}
