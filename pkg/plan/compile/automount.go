package compile

import (
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// Bits of mounts that hold no programs and no devices.
const (
	harmless = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	readonly = unix.MOUNT_ATTR_RDONLY
)

// An automount is one mount of a word of lxc.mount.auto.
type automount struct {
	path     string
	fstype   string // empty for a bind mount of source
	source   string // beneath the rootfs for a bind mount
	set      uint64
	clear    uint64
	super    uint64
	optional bool
	needs    int // capability without which the mount is left out; -1 for none
}

// procMounts and sysMounts are what lxc.mount.auto = proc and sys stand for, by
// mode. The writable part of a tree is bound from below its read-only cover.
var (
	procMounts = map[string][]automount{
		"rw": {
			{path: "proc", fstype: "proc", source: "proc", set: harmless, needs: -1},
		},
		"mixed": {
			{path: "proc", fstype: "proc", source: "proc", set: harmless, needs: -1},
			{path: "proc/sys", source: "proc/sys", set: readonly, clear: harmless, needs: -1},
			{path: "proc/sys/net", source: "proc/sys/net", set: harmless, clear: readonly, needs: unix.CAP_NET_ADMIN},
			{path: "proc/sysrq-trigger", source: "proc/sysrq-trigger", set: readonly, clear: harmless, optional: true, needs: -1},
		},
	}
	sysMounts = map[string][]automount{
		"rw": {
			{path: "sys", fstype: "sysfs", source: "sysfs", needs: -1},
		},
		"ro": {
			{path: "sys", fstype: "sysfs", source: "sysfs", set: readonly, super: unix.MS_RDONLY, needs: -1},
		},
		"mixed": {
			{path: "sys", fstype: "sysfs", source: "sysfs", set: readonly | harmless, needs: -1},
			{path: "sys/devices/virtual/net", source: "sys/devices/virtual/net", set: harmless, clear: readonly, needs: -1},
		},
	}
)

// automounts are the steps of lxc.mount.auto but for the cgroups.
func (m *compiler) automounts() (steps []plan.Step) {
	auto := m.c.Mount.Auto
	for _, a := range append(procMounts[auto.V.Proc], sysMounts[auto.V.Sys]...) {
		if a.needs >= 0 && !m.holds(a.needs) {
			continue
		}
		s := plan.Step{
			Op: plan.OpMount, In: plan.Inside, Path: a.path, Source: a.source, FSType: a.fstype,
			Options:  plan.MountOptions{Set: a.set, Clear: a.clear, SuperFlags: a.super},
			Optional: a.optional,
			Origin:   auto.Origin,
		}
		if a.fstype == "" {
			s.Relative, s.Options.Bind = true, true
		} else {
			s.Options.Create = "dir"
		}
		steps = append(steps, s)
	}
	return steps
}
