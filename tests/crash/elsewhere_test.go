package crash

import (
	"context"
	"os"
	"testing"
	"time"

	"gantry/tests/rig"
)

// TestElsewhere kills lxc-create before one of its calls after the other, while
// it makes a container in a directory of the user's, and its rootfs and the
// directories above that elsewhere. The next command clears away all that, and
// nothing else.
func TestElsewhere(t *testing.T) {
	const (
		stride = 7
		above  = "/run/elsewhere"
	)
	must("rm -rf " + dir + "; mkdir " + dir + "; touch " + dir + "/mine")
	defer os.RemoveAll(dir)
	before, tree := rig.Look(), rig.Tree(dir)
	from := 1 + int(time.Now().Unix())%stride
	for n, survivors := 0, 0; survivors < 2; n++ {
		call := from + n*stride
		out, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		v := trace(victim{tool, int64(call)}, nil, command(context.Background(), "lxc-create -n c -t busybox --dir "+above+"/a/rootfs", out))
		if !v.settle(15*time.Second, func() bool { return false }) || v.failure != nil {
			t.Fatalf("lxc-create, to be killed before call %d, does not end: %v", call, v.failure)
		}
		<-v.quiet
		if !v.killed.Load() {
			survivors++
		}
		run("lxc-stop -n c")
		if _, err := os.Stat(dir + "/config"); err == nil { // it was done
			// As with LXC the directories above stay, and the user's does not.
			if err := must("lxc-destroy -n c && rmdir " + above + "/a " + above + " && mkdir " + dir + " && touch " + dir + "/mine"); err != nil {
				t.Fatal(err)
			}
		}
		if got := rig.Tree(dir); got != tree {
			t.Errorf("lxc-create killed before call %d leaves\n%s", call, got)
		}
		if got := rig.Tree(above); got != "" {
			t.Errorf("lxc-create killed before call %d leaves\n%s", call, got)
		}
		if diff := before.Diff(rig.Look()); diff != nil {
			t.Errorf("lxc-create killed before call %d leaves %s", call, diff)
		}
		if t.Failed() {
			os.RemoveAll(above)
			return
		}
	}
}
