package cgroup

import (
	"errors"
	"slices"
	"strings"

	"gantry/internal/log"
	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// Limits writes the limits of the configuration, all but devices.*: keys of
// lxc.cgroup on version 1 and hybrid hosts, keys of lxc.cgroup2 on unified
// ones, in the plan's order. Keys of the other kind are skipped with a warning.
// Errors are of type *KeyError.
func (s *Set) Limits(c plan.Cgroup, l *log.Logger) error {
	if len(s.Hierarchies) == 0 {
		return nil
	}
	writes, other := c.Legacy, c.Unified
	if s.Layout == Unified {
		writes, other = other, writes
	}
	if len(other) > 0 {
		l.Warn("ignoring ", other[0].Origin.String(), " and its like: the host's cgroups are ", s.Layout.String())
	}
	for _, w := range writes {
		if isDevices(w) {
			continue
		}
		if err := s.limit(w); err != nil {
			return err
		}
	}
	return nil
}

func isDevices(w plan.CgroupWrite) bool {
	return w.File == "devices" || strings.HasPrefix(w.File, "devices.")
}

// limit carries out one write.
func (s *Set) limit(w plan.CgroupWrite) error {
	h, err := s.hierarchyOf(w.File)
	if err == nil && h.Version == 1 && s.Payload != s.Limit && strings.HasPrefix(w.File, "cpuset.") {
		// Of version 1 the child keeps the copy it was made with.
		err = writeFile(h.Dir(s.Payload)+"/"+w.File, w.Value)
	}
	if err == nil {
		err = writeFile(h.Dir(s.Limit)+"/"+w.File, w.Value)
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.ENOENT) {
		err = errors.New("there is no such file in " + h.Dir(s.Limit) + " (the kernel lacks it, or its controller is not enabled there)")
	}
	return &KeyError{Origin: w.Origin, Err: err}
}

// hierarchyOf finds where a file such as memory.max lies.
func (s *Set) hierarchyOf(file string) (Hierarchy, error) {
	if strings.Contains(file, "/") {
		return Hierarchy{}, errors.New("a file of the cgroup itself is wanted, without a slash")
	}
	controller, _, _ := strings.Cut(file, ".")
	if s.Layout == Unified {
		controller = ""
	}
	i := slices.IndexFunc(s.Hierarchies, func(h Hierarchy) bool {
		return h.has(controller) || controller == "" && h.Version == 2
	})
	if i < 0 {
		return Hierarchy{}, errors.New("the host mounts no cgroup hierarchy with the controller " + controller)
	}
	return s.Hierarchies[i], nil
}

// LimitDevices restricts the devices of a container on version 1 and hybrid
// hosts; it comes after the container's /dev is made. What the kernel forbids
// (EACCES, EPERM: we are in a container ourselves) is only a warning. On unified
// hosts it fills in s.Devices, for package device to make a program of.
func (s *Set) LimitDevices(c plan.Cgroup, l *log.Logger) error {
	if s.Layout == Unified {
		return s.collectDevices(c)
	}
	if s.Payload != s.Limit {
		return nil // Create has
	}
	return s.writeDevices(c, l)
}

func (s *Set) collectDevices(c plan.Cgroup) error {
	s.Devices = Devices{}
	for _, w := range c.Unified {
		if !isDevices(w) {
			continue
		}
		rule, err := ParseDeviceRule(w.File, w.Value)
		if err != nil {
			return &KeyError{Origin: w.Origin, Err: err}
		}
		s.Devices.Add(rule)
	}
	return nil
}

func (s *Set) writeDevices(c plan.Cgroup, l *log.Logger) error {
	if s.Layout != Legacy && s.Layout != Hybrid {
		return nil
	}
	for _, w := range c.Legacy {
		if !isDevices(w) {
			continue
		}
		if strings.HasPrefix(w.Value, "/") {
			rule, err := ParseDeviceRule(w.File, w.Value)
			if err != nil {
				return &KeyError{Origin: w.Origin, Err: err}
			}
			w.Value = rule.Value()
		}
		err := s.limit(w)
		switch {
		case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
			l.Warn(err.Error())
		case err != nil:
			return err
		}
	}
	return nil
}
