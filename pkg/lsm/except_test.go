package lsm

import (
	"regexp"
	"strings"
	"testing"
)

// aare turns the part of AppArmor's patterns that except uses into a regular
// expression (apparmor.d(5), "Globbing").
func aare(pattern string) *regexp.Regexp {
	var re strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '[':
			class = true
			re.WriteByte(c)
		case c == ']':
			class = false
			re.WriteByte(c)
		case class:
			re.WriteByte(c)
		case strings.HasPrefix(pattern[i:], "**"):
			re.WriteString(".+")
			i++
		case c == '*':
			re.WriteString("[^/]*")
		case c == '?':
			re.WriteString("[^/]")
		case c == '{':
			re.WriteString("(?:")
		case c == '}':
			re.WriteByte(')')
		case c == ',':
			re.WriteByte('|')
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return regexp.MustCompile("^" + re.String() + "$")
}

func TestExcept(t *testing.T) {
	if got, want := except("/a", "cd"), "/a/{[^/c]*,c[^/d]*,cd?*}"; got != want {
		t.Errorf("except(/a, cd) = %s; want %s", got, want)
	}
	sys := except("/sys", "class/net", "devices/virtual/net", "fs/cgroup")
	proc := except("/proc/sys", "kernel/hostname", "kernel/shm*", "net")
	root := except("", "proc", "sys", "dev/.lxc")
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{sys, "/sys/fs/cgroup", false}, {sys, "/sys/fs/cgroup/a/b", false}, {sys, "/sys/class/net/eth0/mtu", false},
		{sys, "/sys/fs/cgroup2/x", true}, {sys, "/sys/fs/bpf/x", true}, {sys, "/sys/power/state", true}, {sys, "/sys/kernel/uevent_helper", true},
		{sys, "/sys/class/tty/x", true}, {sys, "/sys/devices/system/cpu", true}, {sys, "/sys/devices/virtual/netx", true}, {sys, "/sys/", false},
		{proc, "/proc/sys/kernel/hostname", false}, {proc, "/proc/sys/kernel/shmmax", false}, {proc, "/proc/sys/net/ipv4/ip_forward", false},
		{proc, "/proc/sys/kernel/hostnamex", true}, {proc, "/proc/sys/kernel/core_pattern", true}, {proc, "/proc/sys/vm/drop_caches", true},
		{proc, "/proc/sys/kernel/sysrq", true}, {proc, "/proc/sys/fs/file-max", true}, {proc, "/proc/sys/network", true}, {proc, "/proc/sys/kernel2/x", true},
		{root, "/mnt/", true}, {root, "/a", true}, {root, "/proc/1", false}, {root, "/sys/", false}, {root, "/dev/.lxc/proc", false}, {root, "/dev/pts/", true},
		{root, "/devices/", true}, {root, "/srv/x/", true}, {root, "/prod/x", true}, {root, "/dev/.lxd", true},
	} {
		if got := aare(c.pattern + "{,/{,**}}").MatchString(c.path); got != c.want {
			t.Errorf("%s matches %s: %t; want %t", c.pattern, c.path, got, c.want)
		}
	}
}
