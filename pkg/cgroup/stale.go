package cgroup

import (
	"errors"
	"strings"
	"time"

	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// RemoveStale removes what a killed start or shim of the container id
// (LXCPATH/NAME) has left, under any suffix. The caller holds the container's
// command socket. With kill, processes of the container that outlived their
// shim die; without, their cgroups stay, as those of a monitor always do in
// which a hook has left a daemon.
func (host Host) RemoveStale(c plan.Cgroup, name, id string, kill bool) error {
	if len(host.Hierarchies) == 0 {
		return nil
	}
	s := host.named(c, name, id, 0)
	var failed []error
	for _, rel := range []string{s.Limit, s.Monitor} {
		kill := kill && rel == s.Limit
		for _, found := range s.leaves(rel) {
			if !s.ours(s.anchor().Dir(found)) || rel == s.Limit && !kill && len(processes(s.anchor().Dir(found))) > 0 {
				continue
			}
			if err := s.clear(found, kill); kill || !errors.Is(err, unix.EBUSY) {
				failed = append(failed, err)
			}
		}
		s.removeParents(rel) // of a start killed before it made a leaf
	}
	return errors.Join(failed...)
}

// clear removes a cgroup of an earlier life of the container. What is killed gets
// longer to disappear: it need not have been about to.
func (s *Set) clear(rel string, kill bool) error {
	limit := dying
	if kill {
		limit = 5 * time.Second
	}
	return s.remove(rel, limit, kill)
}

// leaves lists the cgroups called rel or rel-K in the anchor.
func (s *Set) leaves(rel string) []string {
	dir, leaf := "", rel
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		dir, leaf = rel[:i], rel[i+1:]
	}
	var found []string
	for _, name := range children(s.anchor().Dir(dir)) {
		suffix, ok := strings.CutPrefix(name, leaf)
		if ok && (suffix == "" || suffix[0] == '-' && strings.Trim(suffix[1:], "0123456789") == "") {
			found = append(found, clean(dir+"/"+name))
		}
	}
	return found
}
