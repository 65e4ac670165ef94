package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

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
