// Package storage keeps containers' file trees: where the root file system
// lies, how it is made, copied and removed.
//
// A tree belongs to a type, such as dir or btrfs, which is written before its
// path in lxc.rootfs.path: `dir:/var/lib/lxc/web/rootfs`. Of LXC's types dir is
// built; the others are known by name and refused.
//
// Nothing here follows a symbolic link a container has made, crosses into
// another file system, or deletes what was not made for the container: see
// RemoveTree and Container.
package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// types are LXC's backing stores, in the order lxc.rootfs.path is matched
// against them.
var types = []struct {
	name  string
	built bool
}{
	{"dir", true},
	{"zfs", false},
	{"lvm", false},
	{"rbd", false},
	{"btrfs", false},
	{"overlay", false},
	{"overlayfs", false},
	{"loop", false},
	{"nbd", false},
}

// best is the order in which -B best tries types.
var best = []string{"btrfs", "zfs", "lvm", "dir", "rbd"}

// ErrType says that a name is no backing store of LXC's.
var ErrType = errors.New("is not a valid backing storage type")

// A Rootfs is a root file system as lxc.rootfs.path names it.
type Rootfs struct {
	Type string // one of the types; empty for a bare path, which is a directory
	Path string // for dir an absolute directory
}

// Parse reads the value of lxc.rootfs.path, with its TYPE: prefix or without.
func Parse(value string) Rootfs {
	if name, path, ok := strings.Cut(value, ":"); ok && known(name) {
		return Rootfs{name, path}
	}
	return Rootfs{Path: value}
}

// String is the value of lxc.rootfs.path.
func (r Rootfs) String() string {
	if r.Type == "" {
		return r.Path
	}
	return r.Type + ":" + r.Path
}

// check refuses types that are not built.
func (r Rootfs) check() error {
	if r.Type == "" {
		return nil
	}
	for _, t := range types {
		if t.name == r.Type && t.built {
			return nil
		}
	}
	return fmt.Errorf("%s: the backing store %s is not supported yet (use dir)", r, r.Type)
}

func known(name string) bool {
	for _, t := range types {
		if t.name == name {
			return true
		}
	}
	return false
}

// Types reads the argument of lxc-create -B: a type, best, or a list of types
// to be tried in order. Nothing and none are dir, as in LXC.
func Types(bdev string) ([]string, error) {
	switch bdev {
	case "", "none":
		return []string{"dir"}, nil
	case "best":
		return best, nil
	}
	names := strings.Split(bdev, ",")
	if i := slices.IndexFunc(names, func(n string) bool { return !known(n) }); i >= 0 {
		return nil, fmt.Errorf("%s %w", names[i], ErrType)
	}
	return names, nil
}
