// Package cgroup gives containers their control groups: the monitor's, in
// which lxc-shim lives, and the payload's, in which the container does.
//
// A host mounts one or more hierarchies: several of version 1 (legacy), those
// and one of version 2 beside them (hybrid), or version 2 alone (unified).
// Detect finds them, Host.Create makes the same two cgroups in each of them,
// and the Set it returns enters, limits, freezes, describes and removes them.
//
// Cgroups have no owner that outlives a kill -9, so each pair carries a mark
// of the container it was made for (see claim), by which the next start, stop
// or destroy of that container knows what it may clear away.
//
// The package is linked into lxc-shim and does without fmt; what needs BPF is
// in package device.
package cgroup

import (
	"os"
	"slices"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// A Layout tells which versions of cgroup a host mounts. The numbers are those
// of LXC's command socket.
type Layout int

// The layouts.
const (
	Unknown Layout = iota - 1 // no hierarchy that may be written to
	Legacy                    // version 1 alone
	Hybrid                    // version 1, and version 2 without most controllers
	Unified                   // version 2 alone
)

var layoutNames = [...]string{"unknown", "legacy", "hybrid", "unified"}

// String gives legacy, hybrid, unified or unknown.
func (l Layout) String() string {
	if l < Legacy || l > Unified {
		return layoutNames[0]
	}
	return layoutNames[l+1]
}

// A Hierarchy is one mounted tree of cgroups.
type Hierarchy struct {
	Version     int      // 1 or 2
	Controllers []string // cpu, cpuacct, name=systemd; of version 2 what Base offers its children
	Mount       string   // mount point
	Base        string   // cgroup in which containers get theirs; absolute, "/" is the mount itself
}

// Path is the cgroup rel beneath Base as seen from the mount point, with a
// leading slash. An empty rel is Base.
func (h Hierarchy) Path(rel string) string {
	switch {
	case rel == "":
		return h.Base
	case h.Base == "/":
		return "/" + rel
	}
	return h.Base + "/" + rel
}

// Dir is the directory of the cgroup rel beneath Base.
func (h Hierarchy) Dir(rel string) string {
	if path := h.Path(rel); path != "/" {
		return h.Mount + path
	}
	return h.Mount
}

// A Host is what Detect found: the hierarchies containers can be given
// cgroups in, in the order of /proc/self/cgroup.
type Host struct {
	Layout      Layout
	Hierarchies []Hierarchy
}

// A Set is the cgroups of one container. Monitor, Limit and Payload are
// beneath the base of every hierarchy, without a leading slash.
type Set struct {
	Host
	ID      string   // LXCPATH/NAME
	Monitor string   // the shim's cgroup
	Limit   string   // limits are set here
	Payload string   // the container's processes live here: Limit, or one below it
	Outside []string // where the shim may go at the end, in the order to try; "" is the base
	Devices Devices  // rules of the device program, on a unified host
}

// Find gives the hierarchy of a controller: memory, name=systemd. On a unified
// host devices and freezer, which are no controllers there, are found as well.
// The empty name is the hierarchy of version 2.
func (s *Set) Find(controller string) (Hierarchy, bool) {
	for _, h := range s.Hierarchies {
		if h.has(controller) || h.Version == 2 && controller == "" {
			return h, true
		}
		if s.Layout == Unified && (controller == "devices" || controller == "freezer") {
			return h, true
		}
	}
	return Hierarchy{}, false
}

func (h Hierarchy) has(controller string) bool { return slices.Contains(h.Controllers, controller) }

// Unified gives the hierarchy of a unified host.
func (s *Set) Unified() (Hierarchy, bool) {
	if s.Layout != Unified {
		return Hierarchy{}, false
	}
	return s.Find("")
}

// Open opens the directory of a cgroup, O_PATH, for the command socket, for
// CLONE_INTO_CGROUP and as target of a BPF program. The caller owns the file.
func Open(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, sys.PathError("open", dir, err)
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// The bits of the field utilities of CGROUP_CTX and CGROUP_FD: what a host of
// version 2 does without a controller.
const (
	UtilityDevices = 1 << iota // by a BPF program
	UtilityFreezer             // by cgroup.freeze
)

// Utilities gives those bits; on other hosts than unified ones there are none.
func (s *Set) Utilities() uint32 {
	if s.Layout != Unified {
		return 0
	}
	return UtilityDevices | UtilityFreezer
}
