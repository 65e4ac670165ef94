package config

import (
	"errors"
	"strings"
)

// renamed has the keys that LXC 2.1 renamed; a name that ends in a dot stands
// for the beginning of keys that are not listed before it.
var renamed = [...]struct{ old, now string }{
	{"lxc.aa_allow_incomplete", "lxc.apparmor.allow_incomplete"},
	{"lxc.aa_profile", "lxc.apparmor.profile"},
	{"lxc.console", "lxc.console.path"},
	{"lxc.console.logpath", "lxc.console.logfile"},
	{"lxc.devttydir", "lxc.tty.dir"},
	{"lxc.haltsignal", "lxc.signal.halt"},
	{"lxc.id_map", "lxc.idmap"},
	{"lxc.init_cmd", "lxc.init.cmd"},
	{"lxc.init_gid", "lxc.init.gid"},
	{"lxc.init_uid", "lxc.init.uid"},
	{"lxc.limit.", "lxc.prlimit."},
	{"lxc.logfile", "lxc.log.file"},
	{"lxc.loglevel", "lxc.log.level"},
	{"lxc.mount", "lxc.mount.fstab"},
	{"lxc.network.ipv4", "lxc.net.0.ipv4.address"},
	{"lxc.network.ipv6", "lxc.net.0.ipv6.address"},
	{"lxc.network.", "lxc.net.0."},
	{"lxc.pts", "lxc.pty.max"},
	{"lxc.rebootsignal", "lxc.signal.reboot"},
	{"lxc.rootfs", "lxc.rootfs.path"},
	{"lxc.se_context", "lxc.selinux.context"},
	{"lxc.seccomp", "lxc.seccomp.profile"},
	{"lxc.stopsignal", "lxc.signal.stop"},
	{"lxc.syslog", "lxc.log.syslog"},
	{"lxc.tty", "lxc.tty.max"},
	{"lxc.utsname", "lxc.uts.name"},
}

// removed has the keys that LXC 2.1 dropped, and what to do about them.
var removed = [...]struct{ old, hint string }{
	{"lxc.kmsg", "remove the line; a lxc.hook.autodev may link /dev/kmsg"},
	{"lxc.pivotdir", "remove the line"},
	{"lxc.rootfs.backend", "write the type before the path: lxc.rootfs.path = TYPE:PATH"},
}

// legacy is the error of a key from before LXC 2.1; nil for any other.
func legacy(name string) error {
	for _, k := range removed {
		if name == k.old {
			return errors.New("went away with LXC 2.1 (" + k.hint + ")")
		}
	}
	for _, k := range renamed {
		rest, ok := strings.CutPrefix(name, k.old)
		if ok && (rest == "" || strings.HasSuffix(k.old, ".")) {
			return errors.New("is called " + k.now + rest + " since LXC 2.1 (lxc-update-config -c FILE rewrites a file)")
		}
	}
	return nil
}
