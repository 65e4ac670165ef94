package cgroup

import (
	"errors"
	"os"
	"slices"
	"strings"

	"gantry/internal/log"
	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// Detect finds the hierarchies in which the calling process may give a
// container cgroups. Root's containers live beside pid 1, everybody else's and
// those of lxc.cgroup.relative beneath the caller's own cgroup. Hierarchies
// that cannot be written to are left out; none at all is no error, but a
// controller missing that lxc.cgroup.use asks for is.
func Detect(c plan.Cgroup, l *log.Logger) (Host, error) {
	process := "/proc/self/cgroup"
	if !c.Relative && os.Geteuid() == 0 {
		process = "/proc/1/cgroup"
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Host{}, err
	}
	member, err := os.ReadFile(process)
	if err != nil {
		return Host{}, err
	}
	found := hierarchies(string(mounts), string(member), !c.Relative)
	host := Host{Layout: layoutOf(found)}
	for _, h := range found {
		if h.Version == 2 {
			controllers, _ := os.ReadFile(h.Dir("") + "/cgroup.controllers")
			h.Controllers = strings.Fields(string(controllers))
		}
		switch {
		case h.Version == 1 && !used(h.Controllers, c.Use):
		case !h.writable():
			l.Info("cgroup ", h.Dir(""), " is not writable, its hierarchy is not used")
		default:
			host.Hierarchies = append(host.Hierarchies, h)
		}
	}
	if len(host.Hierarchies) > 0 {
		host.Layout = layoutOf(host.Hierarchies)
	}
	for _, want := range c.Use {
		if !slices.ContainsFunc(host.Hierarchies, func(h Hierarchy) bool { return h.has(want) }) {
			return host, errors.New("lxc.cgroup.use: the controller " + want + " is not available (see /proc/self/cgroup, or remove it from lxc.conf)")
		}
	}
	return host, nil
}

// layoutOf gives the layout of a host with these hierarchies.
func layoutOf(hs []Hierarchy) Layout {
	var has [3]bool
	for _, h := range hs {
		has[h.Version] = true
	}
	switch {
	case has[1] && has[2]:
		return Hybrid
	case has[1]:
		return Legacy
	case has[2]:
		return Unified
	}
	return Unknown
}

// used says whether lxc.cgroup.use admits a hierarchy of version 1: all its
// controllers must be named.
func used(controllers, use []string) bool {
	if use == nil {
		return true
	}
	for _, c := range controllers {
		if !slices.Contains(use, c) {
			return false
		}
	}
	return true
}

// writable asks the kernel whether cgroups may be made beneath the base. Of
// version 2 a delegated subtree is wanted, whose files of
// /sys/kernel/cgroup/delegate are the caller's too (cgroups(7)).
func (h Hierarchy) writable() bool {
	dir := h.Dir("")
	if unix.Access(dir, unix.W_OK) != nil {
		return false
	}
	if h.Version == 1 {
		return true
	}
	for _, name := range delegated() {
		if err := unix.Access(dir+"/"+name, unix.W_OK); err != nil && err != unix.ENOENT {
			return false
		}
	}
	return true
}

// delegated lists the files of a cgroup of version 2 that belong to whom it is
// delegated to.
func delegated() []string {
	list, err := os.ReadFile("/sys/kernel/cgroup/delegate")
	if err != nil {
		return []string{"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"} // before Linux 4.15
	}
	return strings.Fields(string(list))
}

// hierarchies joins /proc/self/mountinfo with /proc/PID/cgroup, in the order
// of the latter. With prune, pid 1's own corner of a systemd host, init.scope,
// is cut off the base.
func hierarchies(mountinfo, member string, prune bool) []Hierarchy {
	mounted := cgroupMounts(mountinfo)
	var found []Hierarchy
	for line := range strings.Lines(member) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 || !strings.HasPrefix(parts[2], "/") {
			continue
		}
		h := Hierarchy{Version: 1, Controllers: strings.Split(parts[1], ",")}
		if parts[0] == "0" && parts[1] == "" {
			h = Hierarchy{Version: 2}
		}
		m, ok := mounted.find(h)
		if !ok {
			continue
		}
		base := parts[2]
		if prune {
			base = strings.TrimSuffix(base, "/init.scope")
		}
		h.Mount = m.point
		if h.Base, ok = below(m.root, base); ok {
			found = append(found, h)
		}
	}
	return found
}

// below gives the path base relative to root, with a leading slash; it fails
// when base is not beneath root, and when it lies outside of our cgroup
// namespace ("/../x").
func below(root, base string) (string, bool) {
	rest, ok := strings.CutPrefix(base, strings.TrimSuffix(root, "/"))
	if !ok || rest != "" && rest[0] != '/' || slices.Contains(strings.Split(rest, "/"), "..") {
		return "", false
	}
	if rest == "" {
		return "/", true
	}
	return rest, true
}
