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
)

// A Rootfs is a root file system as lxc.rootfs.path names it.
type Rootfs struct {
	Type string // one of the stores; empty for a bare path, which is a directory
	Path string // for dir an absolute directory
}

// String is the value of lxc.rootfs.path.
func (r Rootfs) String() string {
	if r.Type == "" {
		return r.Path
	}
	return r.Type + ":" + r.Path
}

// check refuses types that are not built, with advice.
func (r Rootfs) check(advice string) error {
	if Built(r.Type) {
		return nil
	}
	return fmt.Errorf("%s: the backing store %s is not supported yet (%s)", r, r.Type, advice)
}

// Create makes a root file system at path of the first of the types, dir if there is
// none, that can be made there, for the container that p marks. made says whether path is new; if
// not, it belongs to somebody already.
func Create(p *Partial, types []string, path string) (rootfs Rootfs, made bool, err error) {
	if len(types) == 0 {
		types = []string{"dir"}
	}
	var errs []error
	for _, name := range types {
		r := Rootfs{name, path}
		if err := r.check("use dir"); err != nil {
			errs = append(errs, err)
			continue
		}
		made, err := p.Mkdir(path)
		if err == nil {
			return r, made, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", r, err))
	}
	return Rootfs{}, false, errors.Join(errs...)
}
