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

// types are LXC's backing stores, and built those among them that are.
var (
	types = []string{"dir", "zfs", "lvm", "rbd", "btrfs", "overlay", "overlayfs", "loop", "nbd"}
	built = []string{"dir"}
)

// best is the order in which -B best tries types.
var best = []string{"btrfs", "zfs", "lvm", "dir", "rbd"}

// ErrType says that a name is no backing store of LXC's.
var ErrType = errors.New("is not a valid backing storage type")

// A Rootfs is a root file system as lxc.rootfs.path names it.
type Rootfs struct {
	Type string // one of the types; empty for a bare path, which is a directory
	Path string // for dir an absolute directory
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
	if r.Type == "" || slices.Contains(built, r.Type) {
		return nil
	}
	return fmt.Errorf("%s: the backing store %s is not supported yet (use dir)", r, r.Type)
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
	for _, name := range names {
		if !slices.Contains(types, name) {
			return nil, fmt.Errorf("%s %w (one of %s best none)", bdev, ErrType, strings.Join(types, " "))
		}
	}
	return names, nil
}
