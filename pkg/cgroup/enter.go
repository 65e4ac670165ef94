package cgroup

import (
	"errors"
	"os"
	"strconv"
	"time"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// EnterMonitor moves a process into the monitor's cgroups; pid 0 is the
// caller. On version 1 the first move after a while of idleness takes 5 to 30
// ms, a move right after another 0.03: let a goroutine do it as soon as Create
// returns, beside the rest of the start. On a unified host be born in
// MonitorFile instead.
func (s *Set) EnterMonitor(pid int) error { return s.enter(s.Monitor, pid, false) }

// EnterPayload moves a process into the payload's cgroups. born says that it
// was born in the one of version 2, as in PayloadFile.
func (s *Set) EnterPayload(pid int, born bool) error { return s.enter(s.Payload, pid, born) }

func (s *Set) enter(rel string, pid int, born bool) error {
	for _, h := range s.Hierarchies {
		if born && h.Version == 2 {
			continue
		}
		if err := writeFile(h.Dir(rel)+"/cgroup.procs", strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	return nil
}

// LeaveMonitor moves the calling process out of the monitor's cgroups and
// removes them: so a shim ends.
func (s *Set) LeaveMonitor() error {
	var failed []error
	for _, h := range s.Hierarchies {
		dir, err := s.outside(h)
		if err == nil {
			err = writeFile(dir+"/cgroup.procs", "0")
		}
		failed = append(failed, err)
	}
	return errors.Join(append(failed, s.remove(s.Monitor, 20*time.Millisecond, false))...)
}

// MonitorFile opens the cgroup a shim is born in by CLONE_INTO_CGROUP, on a
// unified host; on others the file is nil. The caller owns it.
func (s *Set) MonitorFile() (*os.File, error) { return s.birthplace(s.Monitor) }

// PayloadFile is MonitorFile for the container's init.
func (s *Set) PayloadFile() (*os.File, error) { return s.birthplace(s.Payload) }

func (s *Set) birthplace(rel string) (*os.File, error) {
	h, ok := s.Unified()
	if !ok {
		return nil, nil
	}
	return Open(h.Dir(rel))
}

// outside finds the first of s.Outside that may hold processes. Leaves
// (lxc.pivot) are made as needed.
func (s *Set) outside(h Hierarchy) (string, error) {
	var err error
	for _, rel := range s.Outside {
		if rel != "" {
			if err = h.mkparents(rel, h.Dir("") == s.anchor().Dir("")); err == nil {
				err = h.mkdir(rel, 0o755)
			}
			if err != nil && !errors.Is(err, unix.EEXIST) {
				continue
			}
		}
		if h.holdsProcesses(rel) {
			return h.Dir(rel), nil
		}
		err = sys.PathError("enter", h.Dir(rel), unix.EBUSY)
	}
	return "", err
}

// holdsProcesses: on version 2 a cgroup other than the root either has
// processes or gives controllers to its children.
func (h Hierarchy) holdsProcesses(rel string) bool {
	if h.Version == 1 || h.isRoot(rel) {
		return true
	}
	enabled, err := readFile(h.Dir(rel) + "/cgroup.subtree_control")
	return err == nil && enabled == ""
}

// isRoot says whether a cgroup of version 2 is the machine's root, not that of
// a cgroup namespace: the root has no type.
func (h Hierarchy) isRoot(rel string) bool {
	return unix.Access(h.Dir(rel)+"/cgroup.type", unix.F_OK) != nil
}
