package tools

import (
	"os/exec"
	"strings"
	"testing"

	"gantry/tests/rig"
)

// TestDemo runs the demonstration. No mirror is within reach here, so it is
// the one with busybox.
func TestDemo(t *testing.T) {
	before := rig.Look()
	t.Cleanup(func() { before.Restore() }) // after Watch has looked
	rig.Watch(t)
	demo := exec.Command("./demo")
	demo.Dir = rig.Checkout()
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	for _, want := range []string{"inet 10.0.3.", "bytes from 10.0.3.", "$ lxc-destroy"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("demo does not show %q:\n%s", want, out)
		}
	}
	if tree := rig.Tree("/var/lib/lxc"); strings.Count(tree, "\n") != 1 {
		t.Errorf("the demonstration left\n%s", tree)
	}
}
