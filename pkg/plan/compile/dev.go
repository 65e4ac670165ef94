package compile

import (
	"strconv"

	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// devTmpfsSize is the size of /dev when lxc.autodev.tmpfs.size gives none.
const devTmpfsSize = 500000

// devices are the nodes of a container's /dev.
var devices = []struct {
	name         string
	major, minor uint32
}{
	{"full", 1, 7},
	{"null", 1, 3},
	{"random", 1, 8},
	{"tty", 5, 0},
	{"urandom", 1, 9},
	{"zero", 1, 5},
}

// links are its symbolic links.
var links = []struct{ name, target string }{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
}

// devTmpfs mounts an empty /dev.
func (m *compiler) devTmpfs() []plan.Step {
	size := m.c.AutodevTmpfsSize.V
	if size == 0 {
		size = devTmpfsSize
	}
	origin := first(m.c.AutodevTmpfsSize.Origin, m.c.Autodev.Origin)
	return []plan.Step{
		{Op: plan.OpMount, In: plan.Inside, Path: "dev", Source: "none", FSType: "tmpfs", Origin: origin,
			Options: plan.MountOptions{Create: "dir", Data: "size=" + strconv.Itoa(size) + ",mode=755"}},
		{Op: plan.OpMkdir, In: plan.Inside, Path: "dev/pts", Mode: 0o644, Origin: origin}, // LXC's mode; devpts covers it
	}
}

// devNodes fills /dev.
func (m *compiler) devNodes() (steps []plan.Step) {
	for _, d := range devices {
		steps = append(steps, plan.Step{
			Op: plan.OpMknod, In: plan.Inside, Path: "dev/" + d.name, Mode: unix.S_IFCHR | 0o666, Dev: unix.Mkdev(d.major, d.minor), Origin: m.c.Autodev.Origin,
		})
	}
	return steps
}

// ttyGroup is the group of ptys, tty in every distribution.
const ttyGroup = 5

// devTerminals are devpts, console, ttys, and the links to /proc.
func (m *compiler) devTerminals() (steps []plan.Step) {
	t := m.plan.TTYs
	if t.PtyMax > 0 {
		data := "mode=620,ptmxmode=666,max=" + strconv.Itoa(t.PtyMax+t.Max) + ",newinstance"
		if m.mapped('g', ttyGroup) {
			data = "gid=" + strconv.Itoa(ttyGroup) + "," + data
		}
		steps = append(steps, plan.Step{Op: plan.OpDevpts, In: plan.Inside, Path: "dev/pts", Source: "devpts", FSType: "devpts", Origin: t.Origin,
			Options: plan.MountOptions{Set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, Data: data}})
	}
	if m.plan.Console.Path != "none" {
		steps = append(steps, plan.Step{Op: plan.OpConsole, Origin: m.plan.Console.PathOrigin})
	}
	if t.Max > 0 {
		steps = append(steps, plan.Step{Op: plan.OpTTYs, Origin: t.Origin})
	}
	if m.plan.Rootfs.Path == "" && !m.c.Autodev.V {
		return steps // it is the host's /dev
	}
	for _, l := range links {
		steps = append(steps, plan.Step{Op: plan.OpSymlink, In: plan.Inside, Path: "dev/" + l.name, Source: l.target, Optional: !m.c.Autodev.V})
	}
	return steps
}

// mapped says whether an id of the container has one outside.
func (m *compiler) mapped(kind byte, id uint32) bool {
	for _, r := range m.plan.IDMaps {
		if r.Kind == kind && id >= r.Inside && id-r.Inside < r.Count {
			return true
		}
	}
	return !m.makes("user")
}
