package lsm

import (
	"os"
	"strings"

	"gantry/pkg/plan"
)

// profile is the text of a container's generated profile: what any system does
// is allowed, and then what would reach the host through /proc, /sys and mounts
// is denied.
func (a appArmor) profile(c Container, want plan.LSM) string {
	p := &profileText{}
	p.add("#include <tunables/global>", `profile "`+profileName(c)+`" flags=(attach_disconnected,mediate_deleted) {`)
	p.add(general, mounts)
	p.binds()
	if c.CgroupNamespaces {
		p.add("", "  # Its own part of the cgroup tree.",
			"  mount fstype=cgroup -> /sys/fs/cgroup/{,**},", "  mount fstype=cgroup2 -> /sys/fs/cgroup/{,**},")
	}
	p.files(a.stack)
	if a.stack {
		p.add("", "  # Inside its own namespace it loads and uses what profiles it likes.",
			`  change_profile -> ":`+namespace(c)+`:*",`, `  change_profile -> ":`+namespace(c)+`://*",`)
	}
	if want.AllowNesting {
		p.add(nesting)
		if !a.stack {
			p.add(`  change_profile -> "` + profileName(c) + `",`)
		}
	}
	if c.Unprivileged || inUserNamespace() {
		p.add(unprivileged)
	}
	if len(want.Raw) > 0 {
		p.add("", "  # lxc.apparmor.raw")
	}
	for _, line := range want.Raw {
		p.add("  " + line)
	}
	p.add("}")
	return p.String()
}

// inUserNamespace says whether this process is root of a part of the ids only.
func inUserNamespace() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295"
}

type profileText struct{ strings.Builder }

func (p *profileText) add(lines ...string) {
	for _, line := range lines {
		p.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
}

const general = `
  # What any system does. What must not reach the host is denied below.
  capability,
  dbus,
  file,
  network,
  umount,
  unix (receive),
  unix peer=(label=@{profile_name}),

  # Signals may come from anywhere, and go to the container's own processes.
  signal (receive),
  signal peer=@{profile_name},

  # Others may look at the container; it may look at itself.
  ptrace (readby, tracedby),
  ptrace peer=@{profile_name},
`

const mounts = `
  # File systems that hold nothing of the host's, wherever they are mounted.
  mount fstype=tmpfs,
  mount fstype=mqueue,
  mount fstype=hugetlbfs,
  mount fstype=fuse,
  mount fstype=fuse.*,

  # The kernel's own, where they belong.
  mount fstype=proc -> /proc/,
  mount fstype=sysfs -> /sys/,
  mount fstype=binfmt_misc -> /proc/sys/fs/binfmt_misc/,
  mount fstype=efivarfs -> /sys/firmware/efi/efivars/,
  mount fstype=fusectl -> /sys/fs/fuse/connections/,
  mount fstype=securityfs -> /sys/kernel/security/,
  mount fstype=debugfs -> /sys/kernel/debug/,
  mount fstype=tracefs -> /sys/kernel/tracing/,
  mount options=(rw, nosuid, nodev, noexec, remount) -> /sys/,
  mount options=(ro, nosuid, nodev, noexec, remount, strictatime) -> /sys/fs/cgroup/,

  # Systems remount their root while they boot and shut down; that is not worth
  # a line in the log.
  deny mount options=(ro, remount) -> /,
  deny mount options=(ro, remount, silent) -> /,
`

// nesting is for containers inside this one. They set up /proc and /sys on
// places yet unnamed, so there is no telling good mounts from bad ones.
const nesting = `
  # lxc.apparmor.allow_nesting
  pivot_root,
  ptrace,
  signal,
  mount,
  deny /dev/.lxc/proc/** rw,
  deny /dev/.lxc/sys/** rw,
`

// unprivileged is for containers whose root is nobody on the host: the kernel
// itself keeps them from mounting what they should not.
const unprivileged = `
  # A container with id maps.
  pivot_root,
  mount options=(rw,bind),
  mount options=(rw,rbind),
  mount options=(ro,remount),
  mount options=(rw,make-slave) -> **,
  mount options=(rw,make-rslave) -> **,
  mount options=(rw,make-shared) -> **,
  mount options=(rw,make-rshared) -> **,
  mount options=(rw,make-private) -> **,
  mount options=(rw,make-rprivate) -> **,
  mount options=(rw,make-unbindable) -> **,
  mount options=(rw,make-runbindable) -> **,
`

// binds allows moving about what is mounted, /proc, /sys and /dev excepted, for
// beneath another name the rules for files would not find them.
func (p *profileText) binds() {
	// Tools of LXC's bind /dev and what is below it, but not /dev/.lxc.
	some := except("", "proc", "sys", "dev/.lxc")
	p.add("", "  # Mounts may be bound and moved, but not those with rules for files.")
	p.add("  mount options=(rw,bind) "+some+"{,/{,**}},", "  mount options=(rw,move) "+some+"{,/{,**}},")
	p.add("  mount options=(rw,rbind) " + except("", "proc", "sys", "dev") + "{,/{,**}},")
	for _, kind := range []string{"slave", "shared", "private", "unbindable"} {
		p.add("  mount options=(rw,make-"+kind+") -> /,", "  mount options=(rw,make-r"+kind+") -> /,")
	}
	p.add("", "  # And made read-only. Flags match exactly or not at all, hence the list.")
	for set := range 8 {
		options := "ro,remount,bind"
		for bit, word := range []string{"nodev", "nosuid", "noexec"} {
			if set&(1<<bit) != 0 {
				options += "," + word
			}
		}
		for _, atime := range []string{"", ",noatime", ",relatime", ",strictatime"} {
			p.add("  mount options=(" + options + atime + ") -> " + some + "{,/{,**}},")
		}
	}
}

// files denies the host's side of /proc and /sys. With a policy namespace of
// its own the container may manage AppArmor there.
func (p *profileText) files(stack bool) {
	p.add("", "  # Of the settings of the kernel only those a container has its own of.")
	p.add("  deny " + except("/proc/sys", "kernel/hostname", "kernel/domainname", "kernel/msg*", "kernel/sem*", "kernel/shm*", "net") + "{,/{,**}} wklx,")
	p.add("  deny @{PROC}/sys/fs/** wklx,")
	p.add("", "  # Handles on the host's hardware and memory.")
	p.add("  deny @{PROC}/bus/** wklx,")
	for _, file := range []string{"acpi/**", "kcore", "sysrq-trigger"} {
		p.add("  deny @{PROC}/" + file + " rwklx,")
	}
	own := []string{"class/net", "devices/virtual/net", "fs/cgroup"}
	if stack {
		own = append(own, "kernel/security/apparmor")
	}
	p.add("  deny " + except("/sys", own...) + "{,/{,**}} wklx,")
	p.add("  deny /sys/firmware/efi/efivars/** rwklx,", "  deny /sys/kernel/debug/{,**} rwklx,")
}
