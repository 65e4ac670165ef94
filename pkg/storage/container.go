package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// A Container is what a container has on disk: the directory LXCPATH/NAME, and
// a root file system in it or elsewhere.
type Container struct {
	LXCPath, Name string
	Rootfs        Rootfs // the zero Rootfs for none

	// Lock, unless nil, takes the disk lock of another container while the list
	// of its clones is edited.
	Lock func(Ref) (unlock func(), err error)
}

// dir is the container directory. An administrator may have moved it and left a
// link.
func (c Container) dir() string {
	if real, err := filepath.EvalSymlinks(c.name()); err == nil {
		return real
	}
	return c.name()
}

func (c Container) name() string { return filepath.Join(c.LXCPath, c.Name) }

func (c Container) lock(r Ref) (func(), error) {
	if c.Lock == nil {
		return func() {}, nil
	}
	return c.Lock(r)
}

// Destroy deletes the container directory, but not its snapshots, and a root
// file system elsewhere if lxc-create made it. A process that dies in the
// middle leaves a Partial; whoever opens the container next finishes with
// Clear. An error before anything is deleted leaves the container whole.
func (c Container) Destroy() error {
	if err := c.Rootfs.check("delete it and " + c.name() + " by hand"); err != nil {
		return err
	}
	dir := c.dir()
	elsewhere, err := Created(dir)
	if err != nil {
		return err
	}
	elsewhere = slices.DeleteFunc(elsewhere, func(m Made) bool { return m.Path != c.Rootfs.Path || !m.There() })
	for _, m := range elsewhere {
		if err := refuseMounts(m.Path); err != nil {
			return err
		}
	}
	if err := refuseMounts(dir); err != nil {
		return err
	}
	partial, err := Mark(dir, append(paths(elsewhere), dir)...)
	if err != nil {
		return err
	}
	if err := c.Clear(partial); err != nil {
		return errors.Join(err, partial.Remove())
	}
	return nil
}

// Clear deletes what the marker lists, and the marker. If the container
// directory itself is not listed, as it was there before, the config alone is
// deleted in it. On an error the marker stays.
func (c Container) Clear(partial *Partial) error {
	list, listed, err := partial.made()
	if err != nil {
		return err
	}
	whole := !listed // C LXC deletes all there is
	dir := c.dir()
	self, err := identify(dir)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(list) {
		if m.identity == self.identity && filepath.Base(m.Path) == filepath.Base(dir) { // LXCPATH may go by several names
			whole = true
			continue
		}
		if err := m.remove(); err != nil {
			return err
		}
	}
	if err := c.forget(); err != nil {
		return err
	}
	if whole {
		// The config goes last: until then the container can be named.
		if err := RemoveTree(dir, "config", partialName, snapsName); err != nil {
			return err
		}
	}
	config := filepath.Join(dir, "config")
	if err := errors.Join(remove(config), remove(sys.Replacement(config))); err != nil {
		return err
	}
	// An empty directory of snapshots goes too, one with snapshots stays.
	if err := removeEmpty(filepath.Join(dir, snapsName)); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && whole && len(entries) == 1 {
		// Without marker nobody would know whose the empty directory was.
		if err := unix.Chmod(dir, unfinished); err != nil {
			return sys.PathError("chmod", dir, err)
		}
	}
	if err := errors.Join(partial.Remove(), removeUnfinished(dir)); err != nil || !whole || dir == c.name() {
		return err
	}
	if _, err := os.Stat(c.name()); errors.Is(err, fs.ErrNotExist) {
		return os.Remove(c.name()) // the link
	}
	return nil
}

// removeEmpty deletes a directory unless there is something in it.
func removeEmpty(dir string) error {
	err := os.Remove(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}
