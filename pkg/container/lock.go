package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// Lock takes the container's disk lock, RT/lxc/lock/LXCPATH/.NAME, and waits
// for it. It is held while files of the container's directory are read or
// rewritten, never while the container starts or runs. C LXC honours it too.
//
// Nobody changes a container without it, so names from files of dependencies,
// which have not been through Open, are checked here.
func (c *Container) Lock() (unlock func(), err error) {
	if err := c.checkName(); err != nil {
		return nil, err
	}
	path := filepath.Join(c.Paths.RunDir, "lxc/lock", c.LXCPath, "."+c.Name)
	file, err := openLock(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		file, err = openLock(path)
	}
	if err != nil {
		return nil, err
	}
	if err := sys.Lock(file, unix.F_WRLCK); err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
}
