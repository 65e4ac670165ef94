package idmap

import (
	"errors"
	"fmt"
	"os"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// Mount copies the mount that lies at source, from source downwards, so that
// in the copy the owners of files are those of the user namespace userns: an
// owner of id N on disk appears as the id that N is mapped to
// (mount_setattr(2), "ID-mapped mounts"). recursive takes the mounts beneath
// along. set and clear are further MOUNT_ATTR_ bits.
//
// The copy is a slave of what it was made from: nothing that is mounted or
// unmounted in it comes back.
//
// The copy is attached nowhere; the caller owns it and puts it in its place
// with move_mount(2).
func Mount(source, userns *os.File, recursive bool, set, clear uint64) (*os.File, error) {
	open := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH)
	change := uint(unix.AT_EMPTY_PATH)
	if recursive {
		open |= unix.AT_RECURSIVE
		change |= unix.AT_RECURSIVE
	}
	fd, err := sys.RetryInt(func() (int, error) { return unix.OpenTree(int(source.Fd()), "", open) })
	if err != nil {
		return nil, sys.PathError("open_tree", source.Name(), err)
	}
	tree := os.NewFile(uintptr(fd), source.Name())
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP | set, Attr_clr: clear, Propagation: unix.MS_SLAVE, Userns_fd: uint64(userns.Fd())}
	err = sys.Retry(func() error { return unix.MountSetattr(fd, "", change, &attr) })
	if err == nil {
		return tree, nil
	}
	tree.Close()
	err = sys.PathError("mount_setattr idmap", source.Name(), err)
	if errors.Is(err, unix.EINVAL) {
		return nil, fmt.Errorf("%w (%s has no id-mapped mounts on this kernel)", err, fsType(source))
	}
	return nil, err
}

// fsType describes a file system for an error.
func fsType(f *os.File) string {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return "its file system"
	}
	return fmt.Sprintf("its file system, of type %#x,", s.Type)
}
