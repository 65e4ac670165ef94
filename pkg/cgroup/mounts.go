package cgroup

import (
	"errors"
	"strings"

	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// mountRoot is where containers look for cgroups.
const mountRoot = "/sys/fs/cgroup"

const safe = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC

// MountSteps gives the mounts for a token of lxc.mount.auto: cgroup,
// cgroup-full or cgroup2, with :ro, :rw or :mixed and :force. namespaced says
// that the container has its own cgroup namespace, sysadmin that it keeps
// CAP_SYS_ADMIN. In a namespace such a container mounts cgroups itself, and
// nothing is done unless forced; but of version 2 some inits expect the mount,
// so there it is always made.
func (s *Set) MountSteps(token string, namespaced, sysadmin bool) ([]plan.Step, error) {
	t, err := parseToken(token, sysadmin)
	if err != nil || len(s.Hierarchies) == 0 {
		return nil, err
	}
	force := t.force || !sysadmin || s.Layout == Unified
	if namespaced && !force {
		return nil, nil
	}
	if s.Layout == Unified || t.family == "cgroup2" {
		return s.mountV2(t, namespaced)
	}
	steps := []plan.Step{{
		Op: plan.OpMount, In: plan.Inside, Path: mountRoot, Source: "none", FSType: "tmpfs",
		Options: plan.MountOptions{Set: safe, Data: "mode=0755,size=10240k"},
	}}
	for _, h := range s.Hierarchies {
		steps = append(steps, h.mountSteps(t, namespaced, s.Payload)...)
	}
	return steps, nil
}

// A token is a word of lxc.mount.auto about cgroups.
type token struct {
	family string // cgroup cgroup-full cgroup2
	access string // ro rw mixed
	force  bool
}

func parseToken(text string, sysadmin bool) (token, error) {
	words := strings.Split(text, ":")
	t := token{family: words[0]}
	for _, word := range words[1:] {
		switch {
		case word == "force" && !t.force:
			t.force = true
		case (word == "ro" || word == "rw" || word == "mixed") && t.access == "" && !t.force:
			t.access = word
		default:
			return t, errors.New(text + ": unknown word " + word + " (ro, rw, mixed, force are known)")
		}
	}
	if t.family != "cgroup" && t.family != "cgroup-full" && t.family != "cgroup2" {
		return t, errors.New(text + " is no mount of cgroups")
	}
	switch {
	case t.access != "":
	case sysadmin || t.family == "cgroup2":
		t.access = "rw"
	default:
		t.access = "mixed"
	}
	t.force = t.force || t.family == "cgroup2"
	return t, nil
}

// attributes are those of a mount that shows a whole hierarchy.
func (t token) attributes() uint64 {
	if t.access == "ro" {
		return safe | unix.MOUNT_ATTR_RDONLY
	}
	return safe
}

func (s *Set) mountV2(t token, namespaced bool) ([]plan.Step, error) {
	if _, ok := s.Find(""); !ok {
		return nil, errors.New("the host mounts no cgroup hierarchy of version 2")
	}
	if !namespaced {
		return nil, errors.New("cgroup2 can only be mounted in a cgroup namespace of the container's own (do not keep or share that namespace, or drop " + t.family + ")")
	}
	return []plan.Step{{
		Op: plan.OpMount, In: plan.Inside, Path: mountRoot, Source: "none", FSType: "cgroup2",
		Options: plan.MountOptions{Set: t.attributes()},
	}}, nil
}

// mountSteps shows one hierarchy beneath the tmpfs, under the name it has on
// the host. In a cgroup namespace, or for cgroup-full, it is mounted as it is.
// Else the container gets to see its own cgroup alone, at its place in the
// hierarchy, on the way to which everything is an empty directory.
func (h Hierarchy) mountSteps(t token, namespaced bool, payload string) []plan.Step {
	top := mountRoot + h.Mount[strings.LastIndexByte(h.Mount, '/'):]
	steps := []plan.Step{{Op: plan.OpMkdir, In: plan.Inside, Path: top, Mode: 0o755}}
	if namespaced || t.family == "cgroup-full" {
		m := plan.Step{Op: plan.OpMount, In: plan.Inside, Path: top, Source: "none", FSType: "cgroup2", Options: plan.MountOptions{Set: t.attributes()}}
		if h.Version == 1 {
			m.FSType, m.Options.Data = "cgroup", strings.Join(h.Controllers, ",")
		}
		return append(steps, m)
	}
	own := plan.Step{
		Op: plan.OpMount, In: plan.Inside, Path: top + h.Path(payload), Source: h.Dir(payload),
		Options: plan.MountOptions{Bind: true},
	}
	steps = append(steps, plan.Step{Op: plan.OpMkdir, In: plan.Inside, Path: own.Path, Mode: 0o755})
	if t.access != "rw" {
		steps = append(steps, plan.Step{
			Op: plan.OpMount, In: plan.Inside, Path: top, Source: top, Relative: true,
			Options: plan.MountOptions{Bind: true, Set: unix.MOUNT_ATTR_RDONLY},
		})
	}
	if t.access == "ro" {
		own.Options.Set = unix.MOUNT_ATTR_RDONLY
	}
	return append(steps, own)
}
