package storage

import (
	"errors"
	"fmt"
)

// Create makes a root file system at path of the first of the types that can be
// made there, for the container that p marks. made says whether path is new; if
// not, it belongs to somebody already.
func Create(p *Partial, types []string, path string) (rootfs Rootfs, made bool, err error) {
	var errs []error
	for _, name := range types {
		r := Rootfs{name, path}
		if err := r.check(); err != nil {
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
