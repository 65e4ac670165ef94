package container

import (
	"errors"
	"io/fs"

	"gantry/pkg/storage"
)

// clearPartial removes what a creation or destruction that died has left. One
// that is under way at this moment is left alone, and so is one that this user
// has no permission to judge.
func (c *Container) clearPartial() error {
	partial, err := storage.Abandoned(c.Dir())
	if errors.Is(err, storage.ErrBusy) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil || partial == nil {
		return err
	}
	c.Log.Warn("the creation or destruction of ", c.Name, " was interrupted: removing what it left")
	return storage.Container{LXCPath: c.LXCPath, Name: c.Name, Lock: c.LockOther}.Clear(partial)
}

// LockOther takes the disk lock of another container.
func (c *Container) LockOther(r storage.Ref) (unlock func(), err error) {
	other := Container{Name: r.Name, LXCPath: r.LXCPath, Paths: c.Paths}
	return other.Lock()
}
