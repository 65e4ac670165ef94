package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// stores are LXC's backing stores: all there is to know of each.
var stores = []struct {
	name    string
	built   bool
	best    int    // its turn when -B best tries them; 0 for never
	options string // of lxc-create, which have a meaning with it
}{
	{"dir", true, 4, "dir"},
	{"zfs", false, 2, "zfsroot"},
	{"lvm", false, 3, "lvname vgname thinpool fstype fssize"},
	{"rbd", false, 5, "rbdname rbdpool rbduser fstype fssize"},
	{"btrfs", false, 1, ""},
	{"overlay", false, 0, ""},
	{"overlayfs", false, 0, ""},
	{"loop", false, 0, "fstype fssize"},
	{"nbd", false, 0, ""},
}

// Built says whether a rootfs of the type can be used; that without one is a
// directory.
func Built(name string) bool {
	if name == "" {
		return true
	}
	for _, s := range stores {
		if s.name == name {
			return s.built
		}
	}
	return false
}

// Types reads the argument of lxc-create -B: a type, best, or a list of types
// to be tried in order. Nothing and none are dir, as in LXC. It refuses options,
// named without dashes, that have no meaning with any of the types.
func Types(bdev string, options []string) (types []string, err error) {
	switch bdev {
	case "", "none":
		types = []string{"dir"}
	case "best": // it goes with every option
		return bestTypes(), nil
	default:
		types = strings.Split(bdev, ",")
	}
	for _, option := range options {
		takers := taking(option)
		if !slices.ContainsFunc(types, func(t string) bool { return slices.Contains(takers, t) }) {
			return nil, fmt.Errorf("--%s is only valid with -B %s", option, strings.Join(takers, " or "))
		}
	}
	for _, t := range types {
		if !slices.Contains(names(), t) {
			return nil, errors.New(t + " is not a valid backing storage type (one of " + strings.Join(names(), " ") + " best none)")
		}
	}
	return types, nil
}

func names() (names []string) {
	for _, s := range stores {
		names = append(names, s.name)
	}
	return names
}

// taking names the stores an option is for.
func taking(option string) (names []string) {
	for _, s := range stores {
		if slices.Contains(strings.Fields(s.options), option) {
			names = append(names, s.name)
		}
	}
	return names
}

func bestTypes() []string {
	types := make([]string, len(stores)+1)
	for _, s := range stores {
		types[s.best] = s.name
	}
	types[0] = ""
	return slices.DeleteFunc(types, func(name string) bool { return name == "" })
}
