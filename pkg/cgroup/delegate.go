package cgroup

import (
	"errors"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// Delegate gives the payload's cgroups to the root user of an id-mapped
// container, uid and gid as the host sees them, -1 leaves one: the directory, 0775, in which
// it may make cgroups, and the files by which processes and controllers are
// moved about in them (0664). Limits stay root's.
func (s *Set) Delegate(uid, gid int) error {
	for _, h := range s.Hierarchies {
		dir := h.Dir(s.Payload)
		if err := give(dir, uid, gid, 0o775); err != nil {
			return err
		}
		files := []string{"cgroup.procs", "tasks"}
		if h.Version == 2 {
			files = delegated()
		}
		for _, name := range files {
			if err := give(dir+"/"+name, uid, gid, 0o664); err != nil && !errors.Is(err, unix.ENOENT) {
				return err
			}
		}
	}
	return nil
}

func give(path string, uid, gid int, mode uint32) error {
	if err := unix.Lchown(path, uid, gid); err != nil {
		return sys.PathError("chown", path, err)
	}
	return sys.PathError("chmod", path, unix.Chmod(path, mode))
}
