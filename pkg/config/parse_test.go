package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/pkg/plan"
)

func TestErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"\nlxc.autodev = yes", `config:2: lxc.autodev: "yes" is neither 0 nor 1`},
		{"lxc.uts.nam = x", "config:1: lxc.uts.nam: unknown key (did you mean lxc.uts.name?)"},
		{"lxc.net.0.ipv4.adress = x", "config:1: lxc.net.0.ipv4.adress: unknown key (did you mean lxc.net.0.ipv4.address?)"},
		{"lxc.nett.0.type = x", "config:1: lxc.nett.0.type: unknown key (did you mean lxc.net.0.type?)"},
		{"lxc.cgruop.memory.max = x", "config:1: lxc.cgruop.memory.max: unknown key (did you mean lxc.cgroup.memory.max?)"},
		{"lxc.cgroup3.memory.max = x", "config:1: lxc.cgroup3.memory.max: unknown key (did you mean lxc.cgroup.memory.max?)"},
		{"lxc.nothing.like.it = x", "config:1: lxc.nothing.like.it: unknown key"},
		{"lxc.uts.name", "config:1: lxc.uts.name: no '=' after the key (write KEY = VALUE)"},
		{"lxc.utsname = x", "config:1: lxc.utsname: is called lxc.uts.name since LXC 2.1 (lxc-update-config -c FILE rewrites a file)"},
		{"lxc.network.link = x", "config:1: lxc.network.link: is called lxc.net.0.link since LXC 2.1 (lxc-update-config -c FILE rewrites a file)"},
		{"lxc.limit.nofile = 5", "config:1: lxc.limit.nofile: is called lxc.prlimit.nofile since LXC 2.1 (lxc-update-config -c FILE rewrites a file)"},
		{"lxc.kmsg = 1", "config:1: lxc.kmsg: went away with LXC 2.1 (remove the line; a lxc.hook.autodev may link /dev/kmsg)"},
		{"lxc.net.0.veth.pair = x", "config:1: lxc.net.0.veth.pair: is a key of type veth, and lxc.net.0.type is empty here (set the type first)"},
		{"lxc.net.0.type = veht", `config:1: lxc.net.0.type: "veht" is not one of empty none veth macvlan phys vlan ipvlan`},
		{"lxc.cap.drop = sys_tim", `config:1: lxc.cap.drop: "sys_tim" is not a capability`},
		{"lxc.include = /nonexistent", "config:1: lxc.include: stat /nonexistent: no such file or directory"},
		{"lxc.idmap = u 0 1", `config:1: lxc.idmap: "u 0 1" is not a map: u|g FIRST-INSIDE FIRST-OUTSIDE COUNT`},
		{"lxc.namespace.keep = net\nlxc.namespace.clone = uts", "config:2: lxc.namespace.clone: cannot be used together with config:1: lxc.namespace.keep (keep one)"},
		{"lxc.cap.drop = kill\nlxc.cap.keep = none", "config:2: lxc.cap.keep: cannot be used together with config:1: lxc.cap.drop (keep one)"},
		{"lxc.mount.fstab =", "config:1: lxc.mount.fstab: needs a value"},
	}
	for _, test := range tests {
		if _, err := parsed(test.text); err == nil || err.Error() != test.want {
			t.Errorf("Parse(%q) = %v; want %s", test.text, err, test.want)
		}
	}
}

func TestOrigins(t *testing.T) {
	c, err := parsed("# first\nlxc.uts.name = a\nlxc.hook.start = x\nlxc.hook.start = y\nlxc.net.1.type = veth\nlxc.net.1.link = br0\nlxc.prlimit.core = 0\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		got  plan.Origin
		want string
	}{
		{c.UTSName.Origin, "config:2: lxc.uts.name"},
		{c.Hooks.Start[1].Origin, "config:4: lxc.hook.start"},
		{c.Networks[0].Link.Origin, "config:6: lxc.net.1.link"},
		{c.Prlimit[0].Origin, "config:7: lxc.prlimit.core"},
		{c.TTY.Max.Origin, "lxc.tty.max"},
	} {
		if got := test.got.String(); got != test.want {
			t.Errorf("origin = %s; want %s", got, test.want)
		}
	}
}

// write makes a file below a temporary directory.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestInclude(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/b.conf", "lxc.group = b\n")
	write(t, dir, "d/a.conf", "lxc.group = a\n")
	write(t, dir, "d/.conf", "lxc.group = short\n")
	write(t, dir, "d/a.txt", "lxc.group = txt\n")
	if err := os.MkdirAll(dir+"/d/odd.conf", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "one", "lxc.group = one\nlxc.include = "+dir+"/d\n")
	main := write(t, dir, "config", "lxc.group = main\nlxc.include = "+dir+"/one\nlxc.include = "+dir+"/none/\nlxc.include =\nlxc.group = end\n")
	c := New("/mnt")
	if err := c.Load(main); err != nil {
		t.Fatal(err)
	}
	got, _ := c.Get("lxc.group")
	if want := "main\none\na\nb\nend\n"; got != want {
		t.Errorf("Get(lxc.group) = %q; want %q", got, want)
	}
	if got, want := c.Group[1].Origin.String(), dir+"/one:1: lxc.group"; got != want {
		t.Errorf("origin of an included value = %s; want %s", got, want)
	}
	text, _ := os.ReadFile(main)
	if got := c.Text().String(); got != string(text) {
		t.Errorf("Text() = %q; want the file's own, %q", got, text)
	}

	bad := write(t, dir, "bad", "\nlxc.autodev = x\n")
	err := New("/mnt").Load(write(t, dir, "c2", "lxc.include = "+bad+"\n"))
	if want := bad + `:2: lxc.autodev: "x" is neither 0 nor 1`; err == nil || err.Error() != want {
		t.Errorf("error in an included file = %v; want %s", err, want)
	}
	loop := filepath.Join(dir, "loop")
	write(t, dir, "loop", "lxc.include = "+loop+"\n")
	err = New("/mnt").Load(loop)
	if want := loop + ":1: lxc.include: " + loop + " includes itself (remove the line)"; err == nil || err.Error() != want {
		t.Errorf("Load of a loop = %v; want %s", err, want)
	}
}

func TestDefine(t *testing.T) {
	c, _ := parsed("lxc.uts.name = a\n")
	for _, test := range []struct{ definition, want string }{
		{"lxc.uts.name=b", ""},
		{"nothing of lxc", ""},
		{"lxc.uts.nam=b", "--define: lxc.uts.nam: unknown key (did you mean lxc.uts.name?)"},
		{"lxc.uts.name", "--define: lxc.uts.name: no '=' after the key (write KEY = VALUE)"},
	} {
		got := ""
		if err := c.Define("--define", test.definition); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("Define(%q) = %q; want %q", test.definition, got, test.want)
		}
	}
	if c.UTSName.V != "b" || c.Text().String() != "lxc.uts.name = a\n" {
		t.Errorf("after Define: name %q, text %q; want b, and the text as it was", c.UTSName.V, c.Text())
	}
}

// What an option has set is not blamed on the file's line for the same device.
func TestDefineNetwork(t *testing.T) {
	c, _ := parsed("lxc.net.0.type = veth\nlxc.net.0.link = a\n")
	if err := c.Define("--define", "lxc.net.0.link=b"); err != nil {
		t.Fatal(err)
	}
	if got, want := c.Networks[0].Origins()["link"].String(), "--define: lxc.net.0.link"; got != want {
		t.Errorf("origin of the link = %q; want %q", got, want)
	}
}

func TestNearlyKey(t *testing.T) {
	for line, want := range map[string]string{
		"lcx.cap.drop = all":      "lcx.cap.drop",
		"  LXC.net.0.type = veth": "LXC.net.0.type",
		"lx.tty.max=1":            "lx.tty.max",
		"#lxc.tty.max = 1":        "",
		"lxc":                     "",
		"security.nesting = true": "",
		"foo":                     "",
		"":                        "",
	} {
		if got := nearlyKey(line); got != want {
			t.Errorf("nearlyKey(%q) = %q; want %q", line, got, want)
		}
	}
}

func TestGetErrors(t *testing.T) {
	c, _ := parsed("")
	for _, name := range []string{"lxc.include", "lxc.hook", "lxc.net.0.type", "lxc.nonsense", "lxc.net.0"} {
		var located *Error
		if _, err := c.Get(name); !errors.As(err, &located) || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("Get(%s) error = %v; want an *Error that names the key", name, err)
		}
	}
}
