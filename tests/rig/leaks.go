package rig

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Facts are what the small machine holds at one moment, as sorted lines.
type Facts struct {
	Cgroups   []string // directories named lxc.*, with "busy" when processes are in them or beneath
	Links     []string // network devices
	Sockets   []string // abstract sockets of LXC's kind
	Mounts    []string // mount points
	Processes []string // PID and command line of all but this process and its parents
}

// Look gathers the facts.
func Look() Facts {
	return Facts{
		Cgroups:   lxcCgroups(),
		Links:     links(),
		Sockets:   abstractSockets(),
		Mounts:    mountPoints(),
		Processes: processes(),
	}
}

// Diff lists what the two differ in, a line each: "- KIND FACT" is gone,
// "+ KIND FACT" is new.
func (f Facts) Diff(after Facts) []string {
	var diff []string
	for _, k := range []struct {
		kind          string
		before, after []string
	}{
		{"cgroup", f.Cgroups, after.Cgroups},
		{"link", f.Links, after.Links},
		{"socket", f.Sockets, after.Sockets},
		{"mount", f.Mounts, after.Mounts},
		{"process", f.Processes, after.Processes},
	} {
		for _, s := range k.before {
			if !slices.Contains(k.after, s) {
				diff = append(diff, "- "+k.kind+" "+s)
			}
		}
		for _, s := range k.after {
			if !slices.Contains(k.before, s) {
				diff = append(diff, "+ "+k.kind+" "+s)
			}
		}
	}
	return diff
}

// Watch looks now and, when the test ends, fails it if anything is there that
// was not, or is gone. What ends on its own gets some seconds to do so.
func Watch(t testing.TB) {
	t.Helper()
	before := Look()
	t.Cleanup(func() {
		if err := eventually(func() error {
			if diff := before.Diff(Look()); diff != nil {
				return fmt.Errorf("left behind:\n%s", strings.Join(diff, "\n"))
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

// hierarchies gives the mount points of all cgroup hierarchies.
func hierarchies() []string {
	var dirs []string
	mounts, _ := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup", "cgroup2"))
	for _, m := range mounts {
		dirs = append(dirs, m.Mountpoint)
	}
	return dirs
}

// lxcCgroups names the lxc.* groups of all hierarchies once each. lxc.pivot is
// left out: both C LXC and Gantry keep it where a monitor cannot go to the
// base, as in this nested cgroup v2.
func lxcCgroups() []string {
	busy := map[string]bool{}
	for _, root := range hierarchies() {
		groups, _ := filepath.Glob(filepath.Join(root, "lxc.*"))
		for _, g := range groups {
			name := filepath.Base(g)
			if name == "lxc.pivot" {
				continue
			}
			busy[name] = busy[name] || inhabited(g)
		}
	}
	var names []string
	for name, b := range busy {
		if b {
			name += " busy"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func inhabited(cgroup string) bool {
	found := false
	filepath.WalkDir(cgroup, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && len(processesOf(path)) > 0 {
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found
}

func links() []string {
	all, _ := netlink.LinkList()
	var names []string
	for _, l := range all {
		names = append(names, l.Attrs().Name)
	}
	slices.Sort(names)
	return names
}

// abstractSockets lists the listening command sockets and monitor sockets of
// this network namespace.
func abstractSockets() []string {
	data, _ := os.ReadFile("/proc/net/unix")
	var names []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		// Num RefCount Protocol Flags Type St Inode Path; 10000 is __SO_ACCEPTCON.
		if len(fields) < 8 || fields[3] != "00010000" {
			continue
		}
		if name := fields[7]; strings.HasSuffix(name, "/command") || strings.HasPrefix(name, "@lxc/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func mountPoints() []string {
	mounts, _ := mountinfo.GetMounts(nil)
	var points []string
	for _, m := range mounts {
		if !strings.HasPrefix(m.Mountpoint, "/run/user/") { // of a login
			points = append(points, m.Mountpoint)
		}
	}
	slices.Sort(points)
	return points
}

// processes lists all processes but those of the rig itself and of systemd's
// services.
func processes() []string {
	var lines []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid := filepath.Base(dir)
		if pid == "1" || pid == fmt.Sprint(os.Getpid()) {
			continue
		}
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil || len(cmdline) == 0 || serves(dir) {
			continue // ended, a zombie that pid 1 is about to reap, or the machine's own
		}
		lines = append(lines, pid+" "+strings.TrimSpace(strings.ReplaceAll(string(cmdline), "\x00", " ")))
	}
	slices.Sort(lines)
	return lines
}

// Restore brings back what f was, so that one test's failure is not the next
// one's: containers, processes, links and mounts that f does not hold go.
func (f Facts) Restore() error {
	if err := KillContainers(); err != nil {
		return err
	}
	now := Look()
	for _, p := range now.Processes {
		if pid, _, _ := strings.Cut(p, " "); !slices.Contains(f.Processes, p) {
			if n, err := strconv.Atoi(pid); err == nil {
				unix.Kill(n, unix.SIGKILL)
			}
		}
	}
	for _, name := range now.Links {
		if link, err := netlink.LinkByName(name); err == nil && !slices.Contains(f.Links, name) {
			netlink.LinkDel(link)
		}
	}
	for _, point := range slices.Backward(now.Mounts) { // sorted: what is mounted on something comes after it
		if !slices.Contains(f.Mounts, point) {
			unix.Unmount(point, unix.MNT_DETACH)
		}
	}
	return nil
}

// KillContainers ends every container of the rig at once, whatever state its
// supervisor is in, and removes its cgroups.
func KillContainers() error {
	for _, root := range hierarchies() {
		groups, _ := filepath.Glob(filepath.Join(root, "lxc*"))
		for _, g := range groups {
			if err := RemoveCgroup(g); err != nil {
				return err
			}
		}
	}
	return nil
}
