package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// maxDepth is how many directories a removal holds open at once. What lies
// deeper is first moved up to the root of the removal, so that a container
// cannot exhaust the descriptors of whoever destroys it.
const maxDepth = 128

// maxPasses is how often a directory that fills up again is emptied.
const maxPasses = 16

// RemoveTree deletes the file or directory path with everything beneath it,
// except entries of the directory itself whose names are in keep, which also
// keep the directory. Nothing outside is touched: the tree is walked by file
// descriptors, symbolic links are deleted and not followed, and a mount point
// makes it fail before anything is deleted. A path that is not there is no
// error.
func RemoveTree(path string, keep ...string) error {
	path = filepath.Clean(path)
	parent, err := os.Open(filepath.Dir(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer parent.Close()
	if err := refuseMounts(path); err != nil {
		return err
	}
	if len(keep) == 0 {
		r := remover{}
		return r.remove(parent, filepath.Base(path), path, 0)
	}
	dir, err := openDir(parent, filepath.Base(path), path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	r := remover{}
	return r.empty(dir, path, 0, keep)
}

// A remover deletes one tree.
type remover struct {
	top  *os.File // the first directory emptied: what is too deep moves here
	next int      // number of the next directory moved up
}

// remove deletes the entry name of dir, whose path is for error texts alone.
func (r *remover) remove(dir *os.File, name, path string, depth int) error {
	err := unlink(dir, name, 0)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	if err != unix.EISDIR && err != unix.EPERM { // EPERM is POSIX's EISDIR
		return sys.PathError("unlink", path, err)
	}
	if depth >= maxDepth {
		return r.hoist(dir, name, path)
	}
	sub, openErr := openDir(dir, name, path)
	if errors.Is(openErr, unix.ENOTDIR) {
		return sys.PathError("unlink", path, err)
	}
	if openErr != nil {
		return openErr
	}
	defer sub.Close()
	for range maxPasses {
		if err := r.empty(sub, path, depth+1, nil); err != nil {
			return err
		}
		err = unlink(dir, name, unix.AT_REMOVEDIR)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		if err != unix.ENOTEMPTY && err != unix.EEXIST {
			break
		}
	}
	return sys.PathError("rmdir", path, err)
}

// empty deletes the entries of dir, except those in keep, and at the top what
// was moved there meanwhile.
func (r *remover) empty(dir *os.File, path string, depth int, keep []string) error {
	if r.top == nil {
		r.top = dir
	}
	for {
		moved := r.next
		if err := r.pass(dir, path, depth, keep); err != nil {
			return err
		}
		if dir != r.top || moved == r.next {
			return nil
		}
	}
}

// pass deletes what one reading of dir shows.
func (r *remover) pass(dir *os.File, path string, depth int, keep []string) error {
	if _, err := dir.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for {
		names, err := dir.Readdirnames(512)
		for _, name := range names {
			if slices.Contains(keep, name) {
				continue
			}
			if err := r.remove(dir, name, path+"/"+name, depth); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return sys.PathError("readdir", path, errors.Unwrap(err))
		}
	}
}

// hoist moves a directory that lies too deep up to the top of the tree, where
// the next pass finds it.
func (r *remover) hoist(dir *os.File, name, path string) error {
	for {
		to := ".removed-" + strconv.Itoa(r.next)
		r.next++
		rename := func() error {
			return unix.Renameat2(int(dir.Fd()), name, int(r.top.Fd()), to, unix.RENAME_NOREPLACE)
		}
		err := rename()
		if err == unix.EPERM && loosen(dir, name) {
			err = rename()
		}
		if err != unix.EEXIST {
			return sys.PathError("rename", path, err)
		}
	}
}

// openDir opens the directory name of dir, which may be neither a symbolic link
// nor a mount point.
func openDir(dir *os.File, name, path string) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS,
	}
	fd, err := sys.RetryInt(func() (int, error) { return unix.Openat2(int(dir.Fd()), name, &how) })
	if err == unix.EXDEV {
		return nil, fmt.Errorf("%s is a mount point (umount it first)", path)
	}
	if err != nil {
		return nil, sys.PathError("open", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// refuseMounts fails when something is mounted on path or beneath it.
func refuseMounts(path string) error {
	// mountinfo knows paths without symbolic links; the last element of ours is
	// not followed, so only its directory is resolved.
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(filepath.Join(dir, filepath.Base(path))))
	if err != nil {
		return fmt.Errorf("mount table: %w", err)
	}
	if len(mounts) == 0 {
		return nil
	}
	var at []string
	for _, m := range mounts {
		at = append(at, m.Mountpoint)
	}
	return fmt.Errorf("%s: %s mounted there (umount first)", path, strings.Join(at, ", "))
}
