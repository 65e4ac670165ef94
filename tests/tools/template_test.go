package tools

import (
	"os"
	"strings"
	"testing"

	"gantry/tests/rig"
	"gantry/tests/story"
)

// TestForeignTemplates has lxc-create run LXC's own template scripts, unchanged,
// and starts what they make.
func TestForeignTemplates(t *testing.T) {
	for name, args := range map[string]string{"busybox": "", "debian": " -- -r bookworm"} {
		t.Run(name, func(t *testing.T) {
			before := rig.Look()
			t.Cleanup(func() { before.Restore() }) // after Watch has looked
			rig.Watch(t)
			if err := story.Empty("/var/lib/lxc"); err != nil {
				t.Fatal(err)
			}
			template := "/usr/share/lxc/templates/lxc-" + name
			if _, err := os.Stat(template); err != nil {
				t.Fatal(err)
			}
			if err := rig.OnHostNetwork(func() error { // the mirror is out there
				out, err := rig.Ours().Shell("lxc-create -n made -t " + template + args).CombinedOutput()
				if err != nil {
					t.Logf("lxc-create: %s", out)
				}
				return err
			}); err != nil {
				t.Fatal("lxc-create:", err)
			}
			sh(t, "lxc-start made")
			if got := sh(t, "lxc-attach made -- cat /proc/sys/kernel/hostname"); !strings.Contains(got, "made") {
				t.Errorf("host name %q; want made", got)
			}
			sh(t, "lxc-stop -t 20 made; lxc-destroy made")
			if tree := rig.Tree("/var/lib/lxc"); strings.Count(tree, "\n") != 1 {
				t.Errorf("left behind:\n%s", tree)
			}
		})
	}
}
