package cgroup

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// RemovePayload removes the payload's cgroups with all that the container made
// beneath them. Processes still in them are killed; what is not gone within
// the time limit is an error.
func (s *Set) RemovePayload(limit time.Duration) error { return s.remove(s.Limit, limit, true) }

// RemoveMonitor removes the monitor's cgroups. Nothing is killed: the shim is
// given up to the time limit to end. A caller whom Create had to move in there,
// out of its own way, leaves first.
func (s *Set) RemoveMonitor(limit time.Duration) error {
	if h, ok := s.Unified(); ok && h.holdsCaller(s.Monitor) {
		return s.LeaveMonitor()
	}
	return s.remove(s.Monitor, limit, false)
}

// remove takes the cgroup rel out of every hierarchy, the anchor last, so that
// whoever is killed here leaves the mark for the next.
func (s *Set) remove(rel string, limit time.Duration, kill bool) error {
	if len(s.Hierarchies) == 0 {
		return nil
	}
	var err error
	waitFor(limit, func() bool {
		err = s.tryRemove(rel)
		if busy := errors.Is(err, unix.EBUSY); !busy {
			return true
		}
		if kill {
			s.kill(rel)
		}
		return false
	})
	if err == nil {
		s.removeParents(rel)
	}
	return err
}

func (s *Set) tryRemove(rel string) error {
	for _, h := range s.anchorLast() {
		if err := removeTree(h.Dir(rel)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) anchorLast() []Hierarchy {
	order := s.anchorFirst()
	slices.Reverse(order)
	return order
}

// removeParents removes the directories we once made on the way to rel, as far
// as nobody else uses them.
func (s *Set) removeParents(rel string) {
	for i := strings.LastIndexByte(rel, '/'); i > 0; i = strings.LastIndexByte(rel, '/') {
		rel = rel[:i]
		if dir := s.anchor().Dir(rel); markOf(dir) != parentMark && !isUnfinished(dir) {
			return
		}
		for _, h := range s.anchorLast() {
			if unix.Rmdir(h.Dir(rel)) == unix.EBUSY {
				return
			}
		}
	}
}

// removeTree removes a cgroup and those beneath it. One that is not there is
// no error; EBUSY says that processes are left.
func removeTree(dir string) error {
	err := unix.Rmdir(dir)
	if err == unix.EBUSY || err == unix.ENOTEMPTY {
		w := walker{up: func(dir int, name string) { unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) }}
		if err := w.walk(dir); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
		err = unix.Rmdir(dir)
	}
	if err == unix.ENOENT {
		return nil
	}
	return sys.PathError("rmdir", dir, err)
}

// Kill sends SIGKILL to all processes of the container, and sees to it that
// they can die of it.
func (s *Set) Kill() { s.kill(s.Limit) }

// Thaw wakes all processes of the container, in whatever cgroups of its own it
// has frozen them.
func (s *Set) Thaw() {
	for _, h := range s.Hierarchies {
		if h.Version == 2 || h.has("freezer") {
			h.thaw(s.Limit)
		}
	}
}

// processes lists the processes of a cgroup and those beneath it. A process of
// another pid namespace than ours is 0.
func processes(dir string) []int {
	var pids []int
	walker{down: func(dir int) {
		text, _ := readAllAt(dir, "cgroup.procs")
		for field := range strings.FieldsSeq(text) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}}.walk(dir)
	return pids
}

// kill sends SIGKILL to all processes of the cgroup rel once. Version 1 has no
// call for that: the freezer keeps pids from being given away to somebody else
// meanwhile.
func (s *Set) kill(rel string) {
	freezer, freezes := s.Find("freezer")
	freezes = freezes && freezer.Version == 1
	if freezes {
		writeFile(freezer.Dir(rel)+"/freezer.state", "FROZEN")
	}
	for _, h := range s.Hierarchies {
		if h.Version == 2 && writeFile(h.Dir(rel)+"/cgroup.kill", "1") == nil {
			continue
		}
		for _, pid := range processes(h.Dir(rel)) {
			if pid > 1 && pid != os.Getpid() {
				unix.Kill(pid, unix.SIGKILL)
			}
		}
	}
	if freezes {
		freezer.thaw(rel)
	}
}

// thaw wakes the cgroup rel and those beneath it, which may have been frozen
// from inside: in version 1 a frozen process does not die.
func (h Hierarchy) thaw(rel string) {
	file, value := "freezer.state", "THAWED"
	if h.Version == 2 {
		file, value = "cgroup.freeze", "0"
	}
	walker{down: func(dir int) { writeAt(dir, file, value) }}.walk(h.Dir(rel))
}
