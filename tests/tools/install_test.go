package tools

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gantry/tests/rig"
	"gantry/tests/story"
)

// install runs the installation script as `make install DESTDIR=...` does.
func install(t *testing.T, dest string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(rig.Checkout(), "tests/install.sh"), dest, "/opt/gantry", "/etc", "/var").CombinedOutput()
	if err != nil {
		t.Fatalf("install.sh: %v\n%s", err, out)
	}
	return string(out)
}

// TestInstallKeepsSettings installs twice; the administrator's changes stay.
func TestInstallKeepsSettings(t *testing.T) {
	dest := t.TempDir()
	if out := install(t, dest); out != "" {
		t.Errorf("the first installation says %q; want nothing", out)
	}
	setting := filepath.Join(dest, "etc/lxc/default.conf")
	if err := os.WriteFile(setting, []byte("# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := install(t, dest); !strings.Contains(out, "default.conf.new") || strings.Count(out, "\n") != 1 {
		t.Errorf("the second installation says %q; want one line about default.conf.new", out)
	}
	if data, err := os.ReadFile(setting); err != nil || string(data) != "# mine\n" {
		t.Errorf("default.conf = %q, %v; want it as it was", data, err)
	}
	if _, err := os.Stat(setting + ".new"); err != nil {
		t.Error(err)
	}
}

// TestInstalledTree uses the tools of an installed tree, which find their
// helpers beside themselves.
func TestInstalledTree(t *testing.T) {
	before := rig.Look()
	t.Cleanup(func() { before.Restore() }) // after Watch has looked
	rig.Watch(t)
	if err := story.Empty("/var/lib/lxc"); err != nil {
		t.Fatal(err)
	}
	dest := t.TempDir()
	install(t, dest)
	tools := rig.Toolset{Name: "installed", Dir: filepath.Join(dest, "opt/gantry/bin")}
	script := `set -e
define web
lxc-start web; ready web
lxc-attach web -- hostname
lxc-stop web
lxc-destroy web`
	cmd := tools.Shell(script)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "web\n" {
		t.Errorf("%s\n= %q, %v; want web", script, out, err)
	}
	if _, err := os.Stat(filepath.Join(dest, "opt/gantry/libexec/lxc/lxc-shim")); err != nil {
		t.Error(err)
	}
}
