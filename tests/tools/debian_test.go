package tools

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gantry/tests/rig"
	"gantry/tests/story"
)

// TestDebian boots a Debian with systemd and does with it what an
// administrator does.
func TestDebian(t *testing.T) { debian(t, "") }

// TestDebianMapped does the same with a container that root starts in a user
// namespace: its root is nobody outside.
func TestDebianMapped(t *testing.T) {
	debian(t, "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n")
}

// debian lives through a container's life, with lines added to its
// configuration.
func debian(t *testing.T, lines string) {
	before := rig.Look()
	t.Cleanup(func() { before.Restore() }) // after Watch has looked
	rig.Watch(t)
	if err := story.Empty("/var/lib/lxc"); err != nil {
		t.Fatal(err)
	}
	config := "/run/debian.conf"
	lines += "lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\nlxc.net.0.flags = up\n"
	if err := os.WriteFile(config, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := rig.OnHostNetwork(func() error { // the mirror is out there
		out, err := rig.Ours().Shell("lxc-create -n deb -t debian -f " + config + " -- -r bookworm").CombinedOutput()
		t.Logf("lxc-create: %.2000s", out)
		return err
	}); err != nil {
		t.Fatal("lxc-create:", err)
	}
	sh(t, "lxc-net start")
	t.Cleanup(func() { rig.Ours().Shell("lxc-net stop").Run() })

	sh(t, "lxc-start deb")
	booted(t)
	address := ""
	for end := time.Now().Add(20 * time.Second); address == "" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		address = field(sh(t, `lxc-attach deb -- ip -4 -o addr show eth0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p'`))
	}
	if !strings.HasPrefix(address, "10.0.3.") {
		t.Errorf("address %q; want one of 10.0.3.0/24", address)
	}
	sh(t, "ping -c1 -W2 "+address)
	if mapped := strings.Contains(lines, "idmap"); mapped {
		if got := strings.Join(strings.Fields(sh(t, "lxc-attach deb -- cat /proc/self/uid_map")), " "); got != "0 100000 65536" {
			t.Errorf("lxc-attach's uid_map is %q; want the container's", got)
		}
		if got := sh(t, "stat -c %u /var/lib/lxc/deb/rootfs/etc"); got != "100000\n" {
			t.Errorf("/etc inside belongs to %s outside; want 100000", got)
		}
	}

	for _, tty := range []string{"", " -t 0"} {
		out := sh(t, `on-tty 'exit the console'='\n' 'login:'='\x01q' -- lxc-console -n deb`+tty)
		if !strings.Contains(out, "deb login:") {
			t.Errorf("lxc-console%s shows %q; want a login prompt", tty, out)
		}
	}

	sh(t, "lxc-attach deb -- reboot")
	time.Sleep(2 * time.Second) // systemd goes down first
	booted(t)

	began := time.Now()
	sh(t, "lxc-stop deb")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("lxc-stop took %v; want less than 20 s", took)
	}
	sh(t, "lxc-destroy deb; lxc-net stop")
	if tree := rig.Tree("/var/lib/lxc"); strings.Count(tree, "\n") != 1 {
		t.Errorf("left behind:\n%s", tree)
	}
}

// sh runs a script with our tools and gives its output.
func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := rig.Ours().Shell(script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// booted waits until systemd has finished booting the container deb, and wants
// it to be content.
func booted(t *testing.T) {
	t.Helper()
	var out []byte
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		out, _ = rig.Ours().Shell("lxc-attach deb -- systemctl is-system-running --wait").Output()
		if strings.TrimSpace(string(out)) == "running" {
			return
		}
		if strings.TrimSpace(string(out)) == "degraded" {
			break
		}
	}
	failed, _ := exec.Command(rig.Ours().Dir+"/lxc-attach", "deb", "--", "systemctl", "--failed", "--no-legend").CombinedOutput()
	t.Errorf("systemctl is-system-running says %q; want running; failed units:\n%s", out, failed)
}

// field is the first word of a text.
func field(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return word
}
