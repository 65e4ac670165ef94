package cgroup

import (
	"time"

	"golang.org/x/sys/unix"
)

// Marks are extended attributes of cgroup directories. trusted.* wants
// CAP_SYS_ADMIN, user.* works on version 2 alone.
var marks = [...]string{"trusted.gantry", "user.gantry"}

// parentMark is the mark of a directory on the way to a container's cgroups
// that we made and containers may share: it goes with the last of them.
const parentMark = "/"

// unfinished is the mode of a directory that is not marked yet. The sticky bit
// is the one thing that mkdir(2) sets at once: whatever moment a start is
// killed at, what it leaves behind can be told from other people's cgroups.
const unfinished = unix.S_ISVTX | 0o755

// setMark finishes a directory made with the mode unfinished. A host where no
// attribute can be set keeps cgroups unmarked: leftovers of a killed start are
// then stepped over with a suffix.
func setMark(dir, mark string) error {
	for _, name := range marks {
		if err := unix.Setxattr(dir, name, []byte(mark), 0); err == unix.ENOENT {
			return err
		} else if err == nil {
			break
		}
	}
	return unix.Chmod(dir, 0o755)
}

// markOf reads the mark of a directory; "" is none.
func markOf(dir string) string {
	buf := make([]byte, unix.PathMax)
	for _, name := range marks {
		if n, err := unix.Getxattr(dir, name, buf); err == nil {
			return string(buf[:n])
		}
	}
	return ""
}

// ours says whether a directory was made for this container, or by a start
// that was killed before it could say for whom.
// That one gets a while to say so, in case it was not killed.
func (s *Set) ours(dir string) bool {
	abandoned := !waitFor(finishing, func() bool { return !isUnfinished(dir) })
	return abandoned || markOf(dir) == s.ID
}

func isUnfinished(dir string) bool {
	var st unix.Stat_t
	return unix.Stat(dir, &st) == nil && st.Mode&unix.S_ISVTX != 0
}

// finishing is far longer than the microseconds from mkdir to the mark.
const finishing = 50 * time.Millisecond

// dying is how long processes of an earlier life of the container get to
// disappear: its shim closes the command socket a moment before it is gone.
const dying = 500 * time.Millisecond

// anchor is the hierarchy that decides whom a name belongs to. In it a cgroup
// is made first, marked, and removed last: whoever owns the name there owns it
// everywhere. It is the one of version 2 where there is one, which takes user.*
// marks.
func (s *Set) anchor() Hierarchy { return s.anchorFirst()[0] }

// anchorFirst gives the hierarchies in the order cgroups are made.
func (s *Set) anchorFirst() []Hierarchy {
	var first, rest []Hierarchy
	for _, h := range s.Hierarchies {
		if h.Version == 2 {
			first = append(first, h)
		} else {
			rest = append(rest, h)
		}
	}
	return append(first, rest...)
}

// waitFor asks until done says yes, at growing intervals, and gives up after
// the time limit.
func waitFor(limit time.Duration, done func() bool) bool {
	deadline := time.Now().Add(limit)
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if done() {
			return true
		}
		if time.Now().Add(pause).After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
}
