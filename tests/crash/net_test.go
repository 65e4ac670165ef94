package crash

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gantry/tests/rig"
)

// TestNet kills lxc-net start before one of its calls after the other. In turn
// stop clears away what that leaves, and the next start works.
func TestNet(t *testing.T) {
	const stride = 11
	from := 1 + int(time.Now().Unix())%stride
	before, rules := rig.Look(), ruleset(t)
	for n, survivors := 0, 0; survivors < 2; n++ {
		call := from + n*stride
		out, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		v := trace(victim{tool, int64(call)}, nil, command(context.Background(), "lxc-net start", out))
		if !v.settle(15*time.Second, func() bool { return false }) || v.failure != nil {
			t.Fatalf("lxc-net start, to be killed before call %d, does not end: %v", call, v.failure)
		}
		if !v.killed.Load() {
			survivors++
		}
		if err := netAgain(n); err != nil {
			t.Errorf("lxc-net start killed before call %d: %v", call, err)
		}
		if err := leftovers(before); err != nil {
			t.Errorf("lxc-net start killed before call %d: %v", call, err)
		}
		if now := ruleset(t); now != rules {
			t.Errorf("lxc-net start killed before call %d: rules left behind:\n%s", call, now)
		}
		if t.Failed() {
			run("rm -f /run/lxc/network_up; lxc-net start; lxc-net stop")
			return
		}
		<-v.quiet
	}
}

// netAgain takes one of the ways on: stop, or start and stop. Stop fails if
// there was nothing to be stopped.
func netAgain(n int) error {
	if n%2 == 1 {
		if status, said := run("lxc-net start"); status != 0 && !strings.Contains(said, "already running") {
			return fmt.Errorf("the next start exits %d\n%s", status, said)
		}
		return must("lxc-net stop")
	}
	if status, said := run("lxc-net stop"); status != 0 && !strings.Contains(said, "isn't running") {
		return fmt.Errorf("stop exits %d\n%s", status, said)
	}
	return nil
}

func ruleset(t *testing.T) string {
	t.Helper()
	status, said := run("nft list ruleset")
	if status != 0 {
		t.Fatalf("nft: %s", said)
	}
	return said
}
