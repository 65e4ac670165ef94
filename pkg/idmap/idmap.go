// Package idmap maps user and group ids between a container and its host
// (user_namespaces(7)): the lines of lxc.idmap, their checks, the writing of
// /proc/PID/uid_map and gid_map, the subordinate ids of ordinary users
// (subuid(5)), and mounts whose files appear with mapped owners.
package idmap

import (
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// maxLines is how many lines uid_map and gid_map take (user_namespaces(7)).
const maxLines = 340

// Format is m as the value of lxc.idmap.
func Format(m plan.IDMap) string { return string(m.Kind) + " " + line(m) }

func line(m plan.IDMap) string {
	return decimal(m.Inside) + " " + decimal(m.Host) + " " + decimal(m.Count)
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// Text is what /proc/PID/uid_map (kind 'u') or gid_map (kind 'g') takes: the
// lines of that kind in the order given, each `NSID HOSTID RANGE`.
func Text(maps []plan.IDMap, kind byte) string {
	var b strings.Builder
	for _, m := range maps {
		if m.Kind == kind {
			b.WriteString(line(m) + "\n")
		}
	}
	return b.String()
}

// ToHost translates an id of the container; ok is false when it has none outside.
func ToHost(maps []plan.IDMap, kind byte, inside uint32) (host uint32, ok bool) {
	for _, m := range maps {
		if m.Kind == kind && inside >= m.Inside && inside-m.Inside < m.Count {
			return m.Host + (inside - m.Inside), true
		}
	}
	return 0, false
}

// ToInside translates an id of the host; ok is false when the container has
// none for it.
func ToInside(maps []plan.IDMap, kind byte, host uint32) (inside uint32, ok bool) {
	for _, m := range maps {
		if m.Kind == kind && host >= m.Host && host-m.Host < m.Count {
			return m.Inside + (host - m.Host), true
		}
	}
	return 0, false
}

// Root gives the id that owns the container, and what it is outside: 0 if it
// is mapped, else that of the init (lxc.init.uid or lxc.init.gid).
func Root(maps []plan.IDMap, kind byte, init uint32) (inside, host uint32, ok bool) {
	for _, inside := range []uint32{0, init} {
		if host, ok := ToHost(maps, kind, inside); ok {
			return inside, host, true
		}
	}
	return 0, 0, false
}
