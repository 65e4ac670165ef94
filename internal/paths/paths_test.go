package paths

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTree(t *testing.T) {
	tree := t.TempDir()
	touch := func(name string) string {
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(file)
	}
	checkout := touch("checkout/bin/lxc-shim")
	libexec := touch("opt/libexec/lxc/lxc-shim")

	tests := []struct{ dir, prefix, libexec, templates, config string }{
		{checkout, tree + "/checkout", checkout, tree + "/checkout/templates", tree + "/checkout/.cache/config"},
		{tree + "/opt/bin", tree + "/opt", libexec, tree + "/opt/share/lxc/templates", tree + "/opt/share/lxc/config"},
		{libexec, tree + "/opt", libexec, tree + "/opt/share/lxc/templates", tree + "/opt/share/lxc/config"},
		{tree + "/alone", "/usr", "/usr/libexec/lxc", "/usr/share/lxc/templates", "/usr/share/lxc/config"},
		{".", "/usr", "/usr/libexec/lxc", "/usr/share/lxc/templates", "/usr/share/lxc/config"},
	}
	for _, test := range tests {
		var p Paths
		p.tree(test.dir)
		if p.Prefix != test.prefix || p.Libexec != test.libexec || p.Templates != test.templates || p.Config != test.config {
			t.Errorf("tree(%q) = %q %q %q %q; want %q %q %q %q", test.dir,
				p.Prefix, p.Libexec, p.Templates, p.Config, test.prefix, test.libexec, test.templates, test.config)
		}
	}
}

func TestUser(t *testing.T) {
	tests := []struct {
		uid                                    int
		home, runtime                          string
		systemConfig, defaultConfig, path, run string
	}{
		{0, "/root", "/run/user/0", "/etc/lxc/lxc.conf", "/etc/lxc/default.conf", "/var/lib/lxc", "/run"},
		{7, "/home/u", "/run/user/7", "/home/u/.config/lxc/lxc.conf", "/home/u/.config/lxc/default.conf", "/home/u/.local/share/lxc", "/run/user/7"},
		{7, "/home/u", "", "/home/u/.config/lxc/lxc.conf", "/home/u/.config/lxc/default.conf", "/home/u/.local/share/lxc", "/home/u/.cache/lxc/run"},
		{7, "", "", "/.config/lxc/lxc.conf", "/.config/lxc/default.conf", "/.local/share/lxc", "/.cache/lxc/run"},
	}
	for _, test := range tests {
		var p Paths
		p.user(test.uid, test.home, test.runtime)
		if p.SystemConfig != test.systemConfig || p.DefaultConfig != test.defaultConfig || p.LXCPath != test.path || p.RunDir != test.run {
			t.Errorf("user(%d, %q, %q) = %q %q %q %q; want %q %q %q %q", test.uid, test.home, test.runtime,
				p.SystemConfig, p.DefaultConfig, p.LXCPath, p.RunDir, test.systemConfig, test.defaultConfig, test.path, test.run)
		}
	}
}
