package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A Mount says how a root file system is mounted, in the terms of mount(2).
type Mount struct {
	Source string // absolute
	FSType string // empty for Bind
	Bind   bool   // Source is a directory to be bound, with what is mounted in it
}

// Mount says how to reach the files.
func (r Rootfs) Mount() (Mount, error) {
	if err := r.check(); err != nil {
		return Mount{}, err
	}
	return Mount{Source: r.Path, Bind: true}, nil
}

// Create makes a root file system at path of the first of the types that can be
// made there. made says whether path is new; if not, it belongs to somebody
// already.
func Create(types []string, path string) (rootfs Rootfs, made bool, err error) {
	var errs []error
	for _, name := range types {
		r := Rootfs{name, path}
		if err := r.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		made, err := makeDir(path)
		if err == nil {
			return r, made, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", r, err))
	}
	return Rootfs{}, false, errors.Join(errs...)
}

// makeDir makes a directory and those above it, with mode 0755 whatever the
// umask is.
func makeDir(path string) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	err = os.Mkdir(path, 0o755)
	if err == nil {
		return true, os.Chmod(path, 0o755)
	}
	if !errors.Is(err, os.ErrExist) {
		return false, err
	}
	dir, err := os.OpenFile(path, unix.O_DIRECTORY|os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	dir.Close()
	return false, nil
}
