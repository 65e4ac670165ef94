package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// mountAuto is the item of lxc.mount.auto: each word replaces what an earlier
// one of its own family asked for.
type mountAuto struct {
	*one[Config, MountAuto]
}

func (m mountAuto) set(c *Config, _, value string, at plan.Origin) error {
	auto := c.Mount.Auto.V
	for _, word := range strings.Fields(value) {
		if err := auto.add(word); err != nil {
			return err
		}
	}
	c.Mount.Auto = Value[MountAuto]{auto, at}
	return nil
}

var automounts = &kind[MountAuto]{format: formatMountAuto, show: showMountAuto}

// modes are the modes a word of lxc.mount.auto may have after its colon.
var modes = [...]struct {
	name  string
	modes []string
}{
	{"proc", []string{"mixed", "rw"}},
	{"sys", []string{"mixed", "ro", "rw"}},
	{"cgroup", []string{"mixed", "ro", "rw"}},
	{"cgroup-full", []string{"mixed", "ro", "rw"}},
	{"cgroup2", []string{"ro"}},
}

// hasMode says whether a word can have the mode; bare is one without a colon.
func hasMode(name, mode string, bare bool) bool {
	for _, m := range modes {
		if m.name == name {
			return bare || slices.Contains(m.modes, mode)
		}
	}
	return false
}

// shmountsInside is where a container sees its shmounts unless told otherwise.
const shmountsInside = "/dev/.lxc-mounts"

// add takes one word.
func (m *MountAuto) add(word string) error {
	bad := errors.New(strconv.Quote(word) + " is not a file system to mount: proc[:mixed|rw] sys[:mixed|ro|rw] " +
		"cgroup[:mixed|ro|rw][:force] cgroup-full[:mixed|ro|rw][:force] cgroup2[:ro][:force] shmounts:HOST[:CONTAINER]")
	name, mode, colon := strings.Cut(word, ":")
	if name == "shmounts" {
		host, inside, _ := strings.Cut(mode, ":")
		if host == "" {
			return bad
		}
		if inside == "" {
			inside = shmountsInside
		}
		m.Shmounts = Shmounts{host, inside}
		return nil
	}
	force := false
	if strings.HasPrefix(name, "cgroup") && colon {
		if mode == "force" {
			mode, force = "", true
		}
		if before, ok := strings.CutSuffix(mode, ":force"); ok {
			mode, force = before, true
		}
	}
	if !hasMode(name, mode, !colon || force && mode == "") {
		return bad
	}
	switch name {
	case "proc":
		m.Proc = orMixed(mode)
	case "sys":
		m.Sys = orMixed(mode)
	default:
		m.Cgroup = CgroupMount{Kind: name, Mode: mode, Force: force || name == "cgroup2"}
	}
	return nil
}

func orMixed(mode string) string {
	if mode == "" {
		return "mixed"
	}
	return mode
}

// words gives the words that make the same value again.
func (m MountAuto) words(hidden bool) (words []string) {
	if m.Proc != "" {
		words = append(words, "proc:"+m.Proc)
	}
	if m.Sys != "" {
		words = append(words, "sys:"+m.Sys)
	}
	if m.Cgroup.Kind != "" && (hidden || !m.Cgroup.Force) {
		words = append(words, m.Cgroup.String())
	}
	if hidden && m.Shmounts.Host != "" {
		words = append(words, "shmounts:"+m.Shmounts.Host+":"+m.Shmounts.Inside)
	}
	return words
}

// String is the word of lxc.mount.auto.
func (c CgroupMount) String() string {
	word := c.Kind
	if c.Mode != "" {
		word += ":" + c.Mode
	}
	if c.Force && c.Kind != "cgroup2" {
		word += ":force"
	}
	return word
}

func formatMountAuto(m MountAuto) string { return strings.Join(m.words(true), " ") }

// showMountAuto leaves out what LXC's getter does: cgroup2, forced cgroups, shmounts.
func showMountAuto(m MountAuto) string { return strings.Join(m.words(false), " ") }
