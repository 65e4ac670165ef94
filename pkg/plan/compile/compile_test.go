package compile

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/internal/log"
	"gantry/pkg/config"
	"gantry/pkg/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// options are those of the tests: a container web on a hybrid host.
func options() Options {
	return Options{
		Name:           "web",
		LXCPath:        "/var/lib/lxc",
		DefaultLXCPath: "/var/lib/lxc",
		ConfigFile:     "/var/lib/lxc/web/config",
		Daemon:         true,
		LogLevel:       log.Error,
		Facts:          Facts{CgroupNamespaces: true, TimeNamespaces: true},
		ReadFile: func(name string) ([]byte, error) {
			return os.ReadFile(filepath.Join("testdata", filepath.Base(name)))
		},
	}
}

func compile(t *testing.T, text string, o Options) (*plan.Plan, error) {
	t.Helper()
	c := config.New("/usr/lib/lxc/rootfs")
	if err := c.Parse("config", text); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return Plan(c, o)
}

// TestGolden compares the plan of each testdata/NAME.conf with NAME.json.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := compile(t, string(text), options())
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got, err := json.MarshalIndent(p, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		golden := strings.TrimSuffix(file, ".conf") + ".json"
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s: the plan differs from %s (-update writes it anew): %s", file, golden, difference(string(got), string(want)))
		}
	}
}

// difference gives the first lines that differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got " + strings.TrimSpace(g[i]) + "; want " + strings.TrimSpace(w[i])
		}
	}
	return "one is longer"
}

// ops gives the steps as words: verb, and barrier, namespace or path.
func ops(p *plan.Plan) string {
	var words []string
	for _, s := range p.Steps {
		word := string(s.Op)
		switch s.Op {
		case plan.OpWait, plan.OpUnshare, plan.OpHook:
			word += ":" + s.Stage
		case plan.OpMount, plan.OpMkdir, plan.OpMknod, plan.OpSymlink:
			word += ":" + s.Path
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

const rootfs = "lxc.rootfs.path = dir:/r\nlxc.autodev = 0\nlxc.console.path = none\n"

const tail = "symlink:dev/fd symlink:dev/stdin symlink:dev/stdout symlink:dev/stderr pivot "

func TestOrder(t *testing.T) {
	unified := options()
	unified.Facts.Unified = true
	tests := []struct {
		name, text string
		o          Options
		want       string
	}{
		{"hybrid waits late", rootfs + "lxc.net.0.type = veth\n", options(),
			"slave rootfs keyring " + tail + "wait:cgroup unshare:cgroup network caps lsm stdio wait:go exec"},
		{"unified is born in its cgroup", rootfs, unified,
			"unshare:cgroup slave rootfs keyring " + tail + "caps lsm stdio wait:go exec"},
		{"a hook waits for all", rootfs + "lxc.net.0.type = veth\nlxc.hook.pre-mount = /x\n", options(),
			"slave wait:cgroup unshare:cgroup network hook:pre-mount rootfs keyring " + tail + "caps lsm stdio wait:go exec"},
		{"ids before all", rootfs + "lxc.idmap = u 0 100000 10\nlxc.idmap = g 0 100000 10\nlxc.time.offset.boot = 1h\n", unified,
			"unshare:time wait:ids become unshare:cgroup slave rootfs keyring " + tail + "caps lsm stdio wait:go exec"},
		{"cgroups left to the init", rootfs + "lxc.mount.auto = cgroup\n", options(),
			"slave rootfs keyring cgroups " + tail + "wait:cgroup unshare:cgroup caps lsm stdio wait:go exec"},
		{"cgroups mounted", rootfs + "lxc.mount.auto = cgroup:rw:force\n", options(),
			"slave rootfs keyring wait:cgroup unshare:cgroup cgroups " + tail + "caps lsm stdio wait:go exec"},
		{"id-mapped mounts come last", rootfs + "lxc.mount.entry = /a a none bind,idmap=/proc/1/ns/user\nlxc.mount.entry = /b b none bind\n", unified,
			"unshare:cgroup slave rootfs keyring mount:b mount:a " + tail + "caps lsm stdio wait:go exec"},
	}
	for _, test := range tests {
		p, err := compile(t, test.text, test.o)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := ops(p); got != test.want {
			t.Errorf("%s: steps\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestErrors(t *testing.T) {
	noTime := options()
	noTime.Facts.TimeNamespaces = false
	pattern := options()
	pattern.CgroupPattern = "a/../../b"
	tests := []struct {
		text string
		o    Options
		want string
	}{
		{"lxc.rootfs.path = overlay:/a:/b", options(), "config:1: lxc.rootfs.path: a rootfs of type overlay is not supported yet (use dir:)"},
		{"lxc.rootfs.path = foo:/a", options(), `config:1: lxc.rootfs.path: "foo" is not a type of rootfs (dir:/PATH)`},
		{"lxc.rootfs.path = /a\nlxc.rootfs.mount =", options(), "config:2: lxc.rootfs.mount: is empty: there is nowhere to mount the rootfs"},
		{"lxc.net.0.type = vlan", options(), "config:1: lxc.net.0.type: type vlan is not supported yet (remove the line)"},
		{"lxc.net.0.type = veth\nlxc.net.0.veth.mode = router", options(), "config:2: lxc.net.0.veth.mode: router mode is not supported yet (remove the line)"},
		{"lxc.net.0.type = veth\nlxc.net.0.veth.vlan.tagged.id = 5", options(), "config:2: lxc.net.0.veth.vlan.tagged.id: a vlan on the bridge is not supported yet (remove the line)"},
		{"lxc.net.0.type = veth\nlxc.net.0.l2proxy = 1", options(), "config:2: lxc.net.0.l2proxy: proxying addresses is not supported yet (remove the line)"},
		{"lxc.net.0.type = phys", options(), "config:1: lxc.net.0.link: is missing: a device of type macvlan or phys needs one of the host's"},
		{"lxc.net.0.type = veth\nlxc.net.0.ipv4.gateway = 10.0.0.1", options(), "config:2: lxc.net.0.ipv4.gateway: needs a device that is up (set lxc.net.N.flags = up)"},
		{"lxc.net.0.type = veth\nlxc.net.0.flags = up\nlxc.net.0.ipv4.gateway = 10.0.0.1", options(), "config:3: lxc.net.0.ipv4.gateway: needs an address (set lxc.net.N.ipv4.address)"},
		{"lxc.net.0.type = empty\nlxc.net.0.flags = up\nlxc.net.0.ipv4.address = 10.0.0.2/8\nlxc.net.0.ipv4.gateway = auto", options(), "config:4: lxc.net.0.ipv4.gateway: can be auto for type veth or macvlan with a link only (give its address)"},
		{"lxc.net.0.type = veth\nlxc.net.0.hwaddr = zz", options(), `config:2: lxc.net.0.hwaddr: "zz" is not a hardware address (such as 00:16:3e:12:34:56)`},
		{"lxc.idmap = u 0 100000 0", options(), "config:1: lxc.idmap: u 0 100000 0 maps no id (the last number is how many)"},
		{"lxc.namespace.keep = net", options(), "config:1: lxc.namespace.keep: asks for a user namespace, which needs lxc.idmap (add user to the list to keep the host's)"},
		{"lxc.namespace.clone = user mnt", options(), "config:1: lxc.namespace.clone: asks for a user namespace, which needs lxc.idmap (add lines u and g)"},
		{"lxc.namespace.clone = net", options(), "config:1: lxc.namespace.clone: leaves the container in the host's mount namespace (it needs one of its own)"},
		{"lxc.time.offset.boot = 5s", noTime, "config:1: lxc.time.offset.boot: the kernel has no time namespaces"},
		{"lxc.time.offset.boot = 5s\nlxc.namespace.keep = user time", options(), "config:1: lxc.time.offset.boot: needs a time namespace of the container's own"},
		{"lxc.sched.core = 1\nlxc.namespace.keep = user pid", options(), "config:1: lxc.sched.core: core scheduling needs a pid namespace of the container's own"},
		{"lxc.cgroup.dir = a\nlxc.cgroup.dir.monitor = b", options(), "config:1: lxc.cgroup.dir: conflicts with lxc.cgroup.dir.container and lxc.cgroup.dir.monitor (keep one or the others)"},
		{"lxc.cgroup.dir.container = b", options(), "config:1: lxc.cgroup.dir.container: needs lxc.cgroup.dir.monitor too"},
		{"lxc.cgroup.dir.monitor = b", options(), "config:1: lxc.cgroup.dir.monitor: needs lxc.cgroup.dir.container too"},
		{"lxc.cgroup.dir.container = b\nlxc.cgroup.dir.monitor = b/", options(), "config:2: lxc.cgroup.dir.monitor: is lxc.cgroup.dir.container as well (the monitor needs a cgroup of its own)"},
		{"lxc.cgroup.dir.container.inner = b", options(), "config:1: lxc.cgroup.dir.container.inner: needs lxc.cgroup.dir.container too"},
		{"", pattern, `lxc.cgroup.pattern: "a/../../b" walks upwards via ".." (change it in lxc.conf)`},
		{"lxc.prlimit.bogus = 5", options(), `config:1: lxc.prlimit.bogus: "bogus" is not a resource that can be limited (one of as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack)`},
		{"lxc.prlimit.nofile = 5:4", options(), "config:1: lxc.prlimit.nofile: the soft limit is higher than the hard one (SOFT:HARD)"},
		{"lxc.init.cmd = /bin/sh -c 'x", options(), "config:1: lxc.init.cmd: a quote is not closed"},
		{"lxc.mount.entry = /a b", options(), `config:1: lxc.mount.entry: "/a b" is not a mount: SOURCE TARGET TYPE OPTIONS`},
		{"lxc.mount.entry = /a b none bind,create=x", options(), `config:1: lxc.mount.entry: "create=x" is neither create=dir nor create=file`},
		{"lxc.mount.entry = /a b none bind,idmap=container", options(), "config:1: lxc.mount.entry: idmap=container needs a user namespace (lxc.idmap)"},
		{"lxc.mount.entry = a b tmpfs idmap=/x", options(), "config:1: lxc.mount.entry: an id-mapped mount is a bind mount of type none (SOURCE TARGET none bind,idmap=...)"},
		{"lxc.mount.fstab = /nonexistent", options(), "config:1: lxc.mount.fstab: open testdata/nonexistent: no such file or directory"},
		{"lxc.tty.max = 4294967295", options(), "config:1: lxc.tty.max: more than 224 ttys"},
		{"lxc.rootfs.path = /r\nlxc.rootfs.options = idmap=container", options(), "config:2: lxc.rootfs.options: idmap=container needs a user namespace (lxc.idmap)"},
		{"lxc.tty.dir = ../x", options(), `config:1: lxc.tty.dir: "../x" leads out of /dev`},
	}
	for _, test := range tests {
		if _, err := compile(t, test.text, test.o); err == nil || err.Error() != test.want {
			t.Errorf("Plan(%q) = %v; want %s", test.text, err, test.want)
		}
	}
}
