package cgroup

import (
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// maxSuffix is the last -K that is tried when a name is taken.
const maxSuffix = 999

// pivotName is where a monitor goes that cannot go to the base.
const pivotName = "lxc.pivot"

// named gives the Set of a container with the suffix -k. Explicit names
// (lxc.cgroup.dir.container) take no suffix.
func (host Host) named(c plan.Cgroup, name, id string, k int) *Set {
	s := &Set{Host: host, ID: id, Outside: []string{"", clean(c.Dir + "/" + pivotName)}}
	if c.Pivot != "" {
		s.Outside = []string{clean(c.Pivot + "/" + pivotName)}
	}
	suffix := ""
	if k > 0 {
		suffix = "-" + strconv.Itoa(k)
	}
	switch {
	case c.Payload != "":
		s.Monitor, s.Limit = c.Monitor, c.Payload
	case c.Dir != "":
		s.Monitor, s.Limit = c.Dir+"/lxc.monitor."+name+suffix, c.Dir+"/lxc.payload."+name+suffix
	case c.Pattern != "":
		s.Monitor, s.Limit = c.Pattern+"/monitor"+suffix, c.Pattern+"/payload"+suffix
	default:
		s.Monitor, s.Limit = "lxc.monitor."+name+suffix, "lxc.payload."+name+suffix
	}
	s.Monitor, s.Limit = clean(s.Monitor), clean(s.Limit)
	s.Payload = s.Limit
	if c.Payload != "" && c.Inner != "" {
		s.Payload += "/" + c.Inner
	}
	return s
}

// clean drops the slashes a path has too many.
func clean(path string) string {
	return strings.Join(strings.FieldsFunc(path, func(r rune) bool { return r == '/' }), "/")
}

// A KeyError is a failure that a line of the configuration led to.
type KeyError struct {
	Origin plan.Origin
	Err    error
}

// Error gives FILE:LINE: KEY: what.
func (e *KeyError) Error() string {
	if origin := e.Origin.String(); origin != "" {
		return origin + ": " + e.Err.Error()
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *KeyError) Unwrap() error { return e.Err }
