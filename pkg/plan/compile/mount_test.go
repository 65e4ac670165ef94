package compile

import (
	"strings"
	"testing"

	"gantry/internal/log"
	"gantry/pkg/config"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

func TestParseOptions(t *testing.T) {
	const atime = unix.MOUNT_ATTR__ATIME
	tests := []struct {
		field string
		want  entryOptions
	}{
		{"", entryOptions{}},
		{"defaults", entryOptions{}},
		{"ro", entryOptions{MountOptions: plan.MountOptions{Set: unix.MOUNT_ATTR_RDONLY, SuperFlags: unix.MS_RDONLY}}},
		{"ro,rw", entryOptions{}},
		{"bind,ro", entryOptions{MountOptions: plan.MountOptions{Bind: true, Set: unix.MOUNT_ATTR_RDONLY}}},
		{"bind,rw,suid,exec", entryOptions{MountOptions: plan.MountOptions{Bind: true}}},
		{"bind,dev", entryOptions{MountOptions: plan.MountOptions{Bind: true, Clear: unix.MOUNT_ATTR_NODEV}}},
		{"rbind,rslave", entryOptions{MountOptions: plan.MountOptions{Bind: true, Recursive: true, Propagation: unix.MS_SLAVE | unix.MS_REC}}},
		{"remount,rw,nosuid", entryOptions{MountOptions: plan.MountOptions{Remount: true, Set: unix.MOUNT_ATTR_NOSUID, Clear: unix.MOUNT_ATTR_RDONLY}}},
		{"noatime", entryOptions{MountOptions: plan.MountOptions{Set: unix.MOUNT_ATTR_NOATIME, Clear: atime}}},
		{"noatime,strictatime", entryOptions{MountOptions: plan.MountOptions{Set: unix.MOUNT_ATTR_STRICTATIME, Clear: atime}}},
		{"noatime,atime", entryOptions{MountOptions: plan.MountOptions{Clear: atime}}},
		{"bind,relatime", entryOptions{MountOptions: plan.MountOptions{Bind: true, Clear: atime}}},
		{"nodiratime,nosymfollow", entryOptions{MountOptions: plan.MountOptions{Set: unix.MOUNT_ATTR_NODIRATIME | unix.MOUNT_ATTR_NOSYMFOLLOW}}},
		{"sync,mand,dirsync,lazytime", entryOptions{MountOptions: plan.MountOptions{SuperFlags: unix.MS_SYNCHRONOUS | unix.MS_MANDLOCK | unix.MS_DIRSYNC | unix.MS_LAZYTIME}}},
		{"size=1m,userxattr,nosuid", entryOptions{MountOptions: plan.MountOptions{Set: unix.MOUNT_ATTR_NOSUID, Data: "size=1m,userxattr"}}},
		{"bind,create=file,optional,relative", entryOptions{MountOptions: plan.MountOptions{Bind: true, Create: "file"}, optional: true, relative: true}},
		{"bind,idmap=container", entryOptions{MountOptions: plan.MountOptions{Bind: true, IDMap: "container"}}},
		{"move", entryOptions{MountOptions: plan.MountOptions{Move: true}}},
	}
	for _, test := range tests {
		got, err := parseOptions(test.field)
		if err != nil || got != test.want {
			t.Errorf("parseOptions(%q) = %+v, %v; want %+v", test.field, got, err, test.want)
		}
	}
	for _, field := range []string{"create=x", "create", "idmap=x", "idmap"} {
		if _, err := parseOptions(field); err == nil {
			t.Errorf("parseOptions(%q) gives no error", field)
		}
	}
}

func TestTarget(t *testing.T) {
	tests := []struct {
		rootfs, point, want string
		ok                  bool
	}{
		{"/srv/r", "proc", "proc", true},
		{"/srv/r", "a/b/", "a/b", true},
		{"/srv/r", "/srv/r/a", "a", true},
		{"/srv/r", "/var/lib/lxc/web/rootfs/a/b", "a/b", true},
		{"/srv/r", "/elsewhere", "", false},
		{"", "/elsewhere", "elsewhere", true},
	}
	for _, test := range tests {
		m := &compiler{Options: options(), plan: &plan.Plan{Rootfs: plan.Rootfs{Path: test.rootfs}}}
		if got, ok := m.target(test.point); got != test.want || ok != test.ok {
			t.Errorf("target(%q) with rootfs %q = %q, %v; want %q, %v", test.point, test.rootfs, got, ok, test.want, test.ok)
		}
	}
}

// A mount point elsewhere is left out with a warning.
func TestIgnoredMountPoint(t *testing.T) {
	var lines strings.Builder
	o := options()
	o.Log = &log.Logger{Prog: "lxc-start", Name: "web", File: &lines, Level: log.Warn}
	p, err := compile(t, "lxc.rootfs.path = /r\nlxc.mount.entry = /a /elsewhere none bind\n", o)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(ops(p), "elsewhere") {
		t.Errorf("steps %s; want no mount on /elsewhere", ops(p))
	}
	if want := `config:2: lxc.mount.entry: ignoring mount point "/elsewhere"`; !strings.Contains(lines.String(), want) {
		t.Errorf("log %q; want %s", lines.String(), want)
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		line string
		want []string
		ok   bool
	}{
		{"", nil, true},
		{"/sbin/init", []string{"/sbin/init"}, true},
		{"  a  b\tc ", []string{"a", "b", "c"}, true},
		{`sh -c 'a "b" c' ""`, []string{"sh", "-c", `a "b" c`, ""}, true},
		{`a"b c"d`, []string{"ab cd"}, true},
		{`a 'b`, nil, false},
	}
	for _, test := range tests {
		got, ok := split(test.line)
		if ok != test.ok || ok && strings.Join(got, "|") != strings.Join(test.want, "|") {
			t.Errorf("split(%q) = %q, %v; want %q, %v", test.line, got, ok, test.want, test.ok)
		}
	}
}

func TestTimens(t *testing.T) {
	tests := []struct {
		boot, monotonic config.TimeOffset
		want            string
	}{
		{want: ""},
		{boot: config.TimeOffset{Seconds: 7200}, want: "boottime 7200 0\n"},
		{config.TimeOffset{Nanoseconds: 3e9 + 1}, config.TimeOffset{Nanoseconds: -5e6}, "monotonic -1 995000000\nboottime 3 1\n"},
	}
	for _, test := range tests {
		if got := timens(test.boot, test.monotonic); got != test.want {
			t.Errorf("timens(%+v, %+v) = %q; want %q", test.boot, test.monotonic, got, test.want)
		}
	}
}

func FuzzEntry(f *testing.F) {
	for _, line := range []string{"/a b none bind,create=dir,optional 0 0", `a\040b c\134 tmpfs size=1,ro`, "# x", "o m overlay upperdir=/var/lib/lxc/web/u"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		m := &compiler{c: config.New("/mnt"), Options: options(), plan: &plan.Plan{Rootfs: plan.Rootfs{Path: "/r"}}}
		steps, err := m.entry(config.Value[string]{V: line, Origin: plan.Origin{File: "config", Line: 1, Key: "lxc.mount.entry"}})
		if err == nil {
			for _, s := range steps {
				if s.In == plan.Inside && strings.HasPrefix(s.Path, "/") {
					t.Errorf("entry(%q): path %q is absolute", line, s.Path)
				}
			}
			return
		}
		if !strings.HasPrefix(err.Error(), "config:1: lxc.mount.entry: ") {
			t.Errorf("entry(%q) error = %v; want one that names the line", line, err)
		}
	})
}
