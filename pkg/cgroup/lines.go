package cgroup

import (
	"errors"
	"strings"
)

// Lines prints a Set for the shim, which parses no JSON: one `KEY VALUE` a
// line. A line `hierarchy` begins each hierarchy.
func (s *Set) Lines() []string {
	lines := []string{
		"layout " + s.Layout.String(),
		"id " + s.ID,
		"monitor " + s.Monitor,
		"limit " + s.Limit,
		"payload " + s.Payload,
	}
	for _, rel := range s.Outside {
		lines = append(lines, "outside "+rel)
	}
	for _, h := range s.Hierarchies {
		version := "1"
		if h.Version == 2 {
			version = "2"
		}
		lines = append(lines, "hierarchy "+version, "controllers "+strings.Join(h.Controllers, ","), "mount "+h.Mount, "base "+h.Base)
	}
	if s.Devices.Active {
		first := DeviceRule{Type: 'a', Allow: s.Devices.AllowAll}
		lines = append(lines, first.File()+" a")
	}
	for _, r := range s.Devices.Rules {
		lines = append(lines, r.File()+" "+r.Value())
	}
	return lines
}

// Parse reads what Lines printed.
func Parse(lines []string) (*Set, error) {
	s := &Set{Host: Host{Layout: Unknown}}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, " ")
		if err := s.set(key, value); err != nil {
			return nil, errors.New("cgroup set: line " + line + ": " + err.Error())
		}
	}
	return s, nil
}

func (s *Set) set(key, value string) error {
	var h *Hierarchy
	if n := len(s.Hierarchies); n > 0 {
		h = &s.Hierarchies[n-1]
	}
	switch key {
	case "layout":
		for l := Unknown; l <= Unified; l++ {
			if l.String() == value {
				s.Layout = l
			}
		}
	case "id":
		s.ID = value
	case "monitor":
		s.Monitor = value
	case "limit":
		s.Limit = value
	case "payload":
		s.Payload = value
	case "outside":
		s.Outside = append(s.Outside, value)
	case "devices.allow", "devices.deny":
		rule, err := ParseDeviceRule(key, value)
		if err != nil {
			return err
		}
		s.Devices.Add(rule)
	case "hierarchy":
		s.Hierarchies = append(s.Hierarchies, Hierarchy{Version: 1})
		if value == "2" {
			s.Hierarchies[len(s.Hierarchies)-1].Version = 2
		}
	case "controllers", "mount", "base":
		if h == nil {
			return errors.New("no hierarchy has begun")
		}
		h.set(key, value)
	default:
		return errors.New("unknown key")
	}
	return nil
}

func (h *Hierarchy) set(key, value string) {
	switch key {
	case "controllers":
		h.Controllers = nil
		if value != "" {
			h.Controllers = strings.Split(value, ",")
		}
	case "mount":
		h.Mount = value
	case "base":
		h.Base = value
	}
}
