package cgroup

import (
	"errors"
	"strconv"
	"strings"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// A DeviceRule is one line for devices.allow or devices.deny.
type DeviceRule struct {
	Allow        bool
	Type         byte   // a for all, b, c
	Major, Minor int64  // -1 is any
	Access       string // of r w m
}

// ParseDeviceRule reads the value of a key devices.allow or devices.deny: `a`,
// `c 1:3 rwm` with * for any number, or a device node of the host and the
// access, `/dev/null rwm`.
func ParseDeviceRule(file, value string) (DeviceRule, error) {
	r := DeviceRule{Allow: file == "devices.allow", Type: 'a', Major: -1, Minor: -1, Access: "rwm"}
	if file != "devices.allow" && file != "devices.deny" {
		return r, errors.New("neither devices.allow nor devices.deny")
	}
	words := strings.Fields(value)
	if len(words) > 0 && words[0] == "a" {
		return r, nil // the kernel reads no further either
	}
	bad := errors.New(strconv.Quote(value) + ` is no device rule (a, "c 1:3 rwm" or "/dev/null rwm" are)`)
	if len(words) == 2 && strings.HasPrefix(words[0], "/") {
		r.Access = words[1]
		if err := r.stat(words[0]); err != nil {
			return r, err
		}
	} else {
		if len(words) != 3 || words[0] != "b" && words[0] != "c" {
			return r, bad
		}
		major, minor, ok := strings.Cut(words[1], ":")
		var err1, err2 error
		r.Type, r.Access = words[0][0], words[2]
		r.Major, err1 = number(major)
		r.Minor, err2 = number(minor)
		if !ok || err1 != nil || err2 != nil {
			return r, bad
		}
	}
	if r.Access == "" || strings.Trim(r.Access, "rwm") != "" || len(r.Access) > 3 {
		return r, bad
	}
	return r, nil
}

// number reads a device number of up to 31 bits, or * for -1.
func number(text string) (int64, error) {
	if text == "*" {
		return -1, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int64(n), err
}

// stat fills in what kind of device a node of the host is.
func (r *DeviceRule) stat(node string) error {
	var st unix.Stat_t
	if err := unix.Stat(node, &st); err != nil {
		return sys.PathError("stat", node, err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		r.Type = 'b'
	case unix.S_IFCHR:
		r.Type = 'c'
	default:
		return errors.New(node + " is not a device")
	}
	r.Major, r.Minor = int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	return nil
}

// File is devices.allow or devices.deny.
func (r DeviceRule) File() string {
	if r.Allow {
		return "devices.allow"
	}
	return "devices.deny"
}

// Value is what is written to that file: `a` or `c 1:3 rwm`.
func (r DeviceRule) Value() string {
	if r.Type == 'a' {
		return "a"
	}
	return string(r.Type) + " " + star(r.Major) + ":" + star(r.Minor) + " " + r.Access
}

func star(n int64) string {
	if n < 0 {
		return "*"
	}
	return strconv.FormatInt(n, 10)
}

// Devices are the rules of a container on a unified host, in the order they
// were given. Of the rules about a device the last decides, for each kind of
// access; what no rule speaks of is denied unless AllowAll.
type Devices struct {
	Active   bool // there are rules at all; without, nothing is restricted
	AllowAll bool
	Rules    []DeviceRule
}

// Add adds a rule. `a` forgets all earlier ones; a rule replaces those it
// overrules completely.
func (d *Devices) Add(r DeviceRule) {
	d.Active = true
	if r.Type == 'a' {
		d.AllowAll, d.Rules = r.Allow, nil
		return
	}
	kept := make([]DeviceRule, 0, len(d.Rules)+1)
	for _, old := range d.Rules {
		if old.Type != r.Type || old.Major != r.Major || old.Minor != r.Minor || strings.Trim(old.Access, r.Access) != "" {
			kept = append(kept, old)
		}
	}
	d.Rules = append(kept, r)
}
