package cgroup

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"gantry/internal/cleanup"
	"gantry/internal/log"
	"gantry/internal/sys"
	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// Create makes the container's cgroups in every hierarchy: monitor and payload
// with the same suffix -K where the plain name belongs to someone else. id is
// LXCPATH/NAME; the caller holds that container's command socket, so what an
// earlier start of the same id left behind is replaced. On failure nothing
// remains. A host without usable hierarchies gives a Set without any, whose
// methods do nothing.
func (host Host) Create(c plan.Cgroup, name, id string, l *log.Logger) (*Set, error) {
	if len(host.Hierarchies) == 0 {
		l.Warn("no cgroup hierarchy can be written to, the container gets no cgroups")
		return host.named(c, name, id, 0), nil
	}
	for k := range maxSuffix + 1 {
		s := host.named(c, name, id, k)
		err := s.create(c, l)
		switch {
		case err == nil:
			return s, nil
		case !errors.Is(err, unix.EEXIST):
			return nil, err
		case c.Payload != "":
			return nil, &KeyError{Origin: c.Origin, Err: errors.New("the cgroup exists already (choose another, or remove it): " + err.Error())}
		}
	}
	return nil, errors.New("cgroups lxc.payload." + name + " to -" + strconv.Itoa(maxSuffix) + " all exist")
}

func (s *Set) create(c plan.Cgroup, l *log.Logger) error {
	var undo cleanup.Stack
	defer undo.Run()
	if err := s.claim(s.Monitor); err != nil {
		return err
	}
	undo.Add(func() { s.RemoveMonitor(0) })
	if err := s.createPayload(c, l); err != nil {
		return err
	}
	undo.Release()
	return nil
}

// Renew makes the payload's cgroups afresh for a reboot, under their name; the
// monitor's stay. l takes warnings.
func (s *Set) Renew(c plan.Cgroup, l *log.Logger) error {
	if len(s.Hierarchies) == 0 {
		return nil
	}
	if err := s.RemovePayload(dying); err != nil {
		return err
	}
	return s.createPayload(c, l)
}

func (s *Set) createPayload(c plan.Cgroup, l *log.Logger) error {
	var undo cleanup.Stack
	defer undo.Run()
	if err := s.claim(s.Limit); err != nil {
		return err
	}
	undo.Add(func() { s.RemovePayload(0) })
	if s.Payload != s.Limit {
		// A cgroup with children takes no "a" any more.
		if err := s.writeDevices(c, l); err != nil {
			return err
		}
		for _, h := range s.Hierarchies {
			if err := h.mkdir(s.Payload, 0o755); err != nil {
				return err
			}
		}
	}
	s.enableControllers(l)
	undo.Release()
	return nil
}

// claim makes the cgroup rel in every hierarchy. The anchor comes first: there
// the directory is born with the sticky bit, then marked with the container's
// id, then given its mode. The error is EEXIST when the name is someone else's.
func (s *Set) claim(rel string) error {
	const races = 10 // a neighbour removes the shared parent, or takes our unmarked directory for a leftover
	var err error
	for range races {
		err = s.tryClaim(rel)
		if errors.Is(err, unix.EEXIST) && s.ours(s.anchor().Dir(rel)) {
			// Left over from an earlier life. The caller holds the command socket:
			// nobody else of that name lives, though someone may still be dying, or
			// have outlived the init that shared a pid namespace.
			if s.clear(rel, rel == s.Limit) == nil {
				err = s.tryClaim(rel)
			}
		}
		if !errors.Is(err, unix.ENOENT) {
			break
		}
	}
	return err
}

func (s *Set) tryClaim(rel string) error {
	var undo cleanup.Stack
	defer undo.Run()
	for i, h := range s.anchorFirst() {
		if err := h.mkparents(rel, i == 0); err != nil {
			return err
		}
		mode := uint32(0o755)
		if i == 0 {
			mode = unfinished
		}
		if err := h.mkdir(rel, mode); err != nil {
			return err
		}
		undo.Add(func() { unix.Rmdir(h.Dir(rel)) })
		if i > 0 {
			continue
		}
		if err := setMark(h.Dir(rel), s.ID); err != nil {
			return sys.PathError("mark", h.Dir(rel), err)
		}
	}
	undo.Release()
	return nil
}

// mkparents makes the directories on the way to rel that are not there.
func (h Hierarchy) mkparents(rel string, anchor bool) error {
	for i := range len(rel) {
		if rel[i] != '/' {
			continue
		}
		dir, mode := rel[:i], uint32(0o755)
		if anchor {
			mode = unfinished
		}
		err := h.mkdir(dir, mode)
		if anchor && (err == nil || isUnfinished(h.Dir(dir))) {
			err = setMark(h.Dir(dir), parentMark)
		}
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return nil
}

// mkdir makes one cgroup and readies it for processes.
func (h Hierarchy) mkdir(rel string, mode uint32) error {
	dir := h.Dir(rel)
	if err := unix.Mkdir(dir, mode); err != nil {
		return sys.PathError("mkdir", dir, err)
	}
	if h.Version == 1 && h.has("cpuset") {
		if err := h.initCpuset(rel); err != nil {
			unix.Rmdir(dir)
			return err
		}
	}
	return nil
}

// enableControllers lets the cgroups of a unified host have every controller
// the base has: on each level above them. A cgroup with processes of its own
// refuses (cgroups(7), "no internal processes"). Often the only such process
// is the caller, alone in a delegated scope; it then goes where it belongs,
// into the monitor's cgroup. What cannot be enabled is a warning: only limits
// that need it fail.
func (s *Set) enableControllers(l *log.Logger) {
	h, ok := s.Unified()
	if !ok {
		return
	}
	for _, rel := range []string{s.Monitor, s.Payload} {
		for level := range levels(rel) {
			err := h.enable(level)
			if errors.Is(err, unix.EBUSY) && h.holdsCaller(level) && writeFile(h.Dir(s.Monitor)+"/cgroup.procs", "0") == nil {
				err = h.enable(level)
			}
			if err != nil {
				l.Warn("cannot enable all controllers beneath ", h.Dir(level), ": ", err.Error())
			}
		}
	}
}

func (h Hierarchy) holdsCaller(rel string) bool {
	procs, _ := readFile(h.Dir(rel) + "/cgroup.procs")
	return slices.Contains(strings.Fields(procs), strconv.Itoa(os.Getpid()))
}

// levels yields the cgroups above rel, the base ("") first.
func levels(rel string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if !yield("") {
			return
		}
		for i := range len(rel) {
			if rel[i] == '/' && !yield(rel[:i]) {
				return
			}
		}
	}
}

// enable adds the base's controllers to what a cgroup's children have: all at
// once, and one by one when the kernel refuses one of them. A cgroup with
// processes is left alone, though it would take cpu or pids: that makes it a
// "domain threaded", whose children hold no processes.
func (h Hierarchy) enable(rel string) error {
	file := h.Dir(rel) + "/cgroup.subtree_control"
	enabled, err := readFile(file)
	if err != nil {
		return err
	}
	var missing []string
	for _, c := range h.Controllers {
		if !slices.Contains(strings.Fields(enabled), c) {
			missing = append(missing, "+"+c)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if procs, _ := readFile(h.Dir(rel) + "/cgroup.procs"); procs != "" && !h.isRoot(rel) {
		return unix.EBUSY
	}
	if writeFile(file, strings.Join(missing, " ")) == nil {
		return nil
	}
	for _, c := range missing {
		if werr := writeFile(file, c); werr != nil {
			err = werr
		}
	}
	return err
}
