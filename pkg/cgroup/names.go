package cgroup

import (
	"errors"
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

// check refuses directories that exclude each other or lead out of the base.
func check(c plan.Cgroup) error {
	var err error
	switch {
	case c.Dir != "" && (c.Payload != "" || c.Monitor != ""):
		err = errors.New("lxc.cgroup.dir conflicts with lxc.cgroup.dir.container and lxc.cgroup.dir.monitor (remove one or the other)")
	case (c.Payload == "") != (c.Monitor == ""):
		err = errors.New("lxc.cgroup.dir.container and lxc.cgroup.dir.monitor must both be set")
	case c.Payload != "" && clean(c.Payload) == clean(c.Monitor):
		err = errors.New("lxc.cgroup.dir.container and lxc.cgroup.dir.monitor must differ")
	case c.Inner != "" && !component(c.Inner):
		err = errors.New("lxc.cgroup.dir.container.inner must be a single directory name")
	}
	for _, dir := range []string{c.Dir, c.Payload, c.Monitor, c.Pivot, c.Pattern} {
		for part := range strings.SplitSeq(dir, "/") {
			if part == ".." {
				err = errors.New(dir + " leads out of the container's base cgroup")
			}
		}
	}
	if err != nil {
		return &KeyError{Origin: c.Origin, Err: err}
	}
	return nil
}

// component says whether name is one element of a path.
func component(name string) bool {
	return name != "." && name != ".." && !strings.Contains(name, "/")
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
