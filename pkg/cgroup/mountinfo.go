package cgroup

import (
	"slices"
	"strings"
)

// A mount is one line of mountinfo about a cgroup file system.
type mount struct {
	version int
	options []string // of the superblock: controllers and others
	root    string   // cgroup that is mounted
	point   string
}

type mounts []mount

// cgroupMounts picks the cgroup file systems out of /proc/self/mountinfo
// (proc_pid_mountinfo(5)). A later mount on the same point hides the earlier.
func cgroupMounts(mountinfo string) mounts {
	var found mounts
	for line := range strings.Lines(mountinfo) {
		place, kind, ok := strings.Cut(line, " - ")
		if !ok || !strings.HasPrefix(kind, "cgroup") {
			continue
		}
		left, right := strings.Fields(place), strings.Fields(kind)
		if len(left) < 6 || len(right) < 3 {
			continue
		}
		m := mount{version: 1, options: strings.Split(right[2], ","), root: unescape(left[3]), point: unescape(left[4])}
		switch right[0] {
		case "cgroup":
		case "cgroup2":
			m.version = 2
		default:
			continue
		}
		found = slices.DeleteFunc(found, func(old mount) bool { return old.point == m.point })
		found = append(found, m)
	}
	return found
}

// find gives the mount of a hierarchy; where there are several, one at the
// usual place.
func (ms mounts) find(h Hierarchy) (mount, bool) {
	var best mount
	for _, m := range ms {
		if m.version != h.Version || h.Version == 1 && !m.carries(h.Controllers) {
			continue
		}
		if best.point == "" || !usual(best.point) && usual(m.point) {
			best = m
		}
	}
	return best, best.point != ""
}

func usual(point string) bool {
	return point == "/sys/fs/cgroup" || strings.HasPrefix(point, "/sys/fs/cgroup/")
}

// carries compares controllers in any order: /proc/self/cgroup may list them
// in another order than the mount does.
func (m mount) carries(controllers []string) bool {
	for _, c := range controllers {
		if !slices.Contains(m.options, c) {
			return false
		}
	}
	return true
}

// unescape undoes mountinfo's octal \040 for a blank, \011, \012 and \134.
func unescape(field string) string {
	if !strings.Contains(field, `\`) {
		return field
	}
	var b strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && len(field) >= i+4 && octal(field[i+1:i+4]) {
			b.WriteByte((field[i+1]-'0')<<6 | (field[i+2]-'0')<<3 | (field[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(field[i])
	}
	return b.String()
}

func octal(digits string) bool {
	return digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' && digits[1] <= '7' && digits[2] >= '0' && digits[2] <= '7'
}
