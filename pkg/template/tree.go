package template

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
	"gantry/pkg/idmap"
	"gantry/pkg/plan"
)

// A tree is a file tree being made. Paths in it are looked up as though it were
// the root, so that a link such as /lib -> usr/lib leads where it will lead in
// the container. What is made belongs to the container's root.
type tree struct {
	path     string
	idmap    []plan.IDMap
	root     *os.File
	uid, gid int
}

func openTree(path string, maps []plan.IDMap) (*tree, error) {
	t := &tree{path: path, idmap: maps}
	if len(maps) > 0 {
		uid, okU := idmap.ToHost(maps, 'u', 0)
		gid, okG := idmap.ToHost(maps, 'g', 0)
		if !okU || !okG {
			return nil, errors.New("lxc.idmap: the container's root has no id outside")
		}
		t.uid, t.gid = int(uid), int(gid)
	}
	var err error
	t.root, err = os.OpenFile(path, unix.O_DIRECTORY, 0)
	return t, err
}

func (t *tree) Close() error { return t.root.Close() }

// parent opens the directory a name lies in, after having made it.
func (t *tree) parent(name string) (*os.File, string, error) {
	name = path.Clean("/" + name)
	dir, err := t.mkdir(path.Dir(name), 0o755)
	return dir, path.Base(name), err
}

// mkdir opens a directory, made with those above it where they are missing. An
// existing one keeps its mode.
func (t *tree) mkdir(name string, mode fs.FileMode) (*os.File, error) {
	name = path.Clean("/" + name)
	dir, err := sys.OpenIn(t.root, name, unix.O_DIRECTORY, 0)
	if !errors.Is(err, unix.ENOENT) {
		return dir, err
	}
	above, err := t.mkdir(path.Dir(name), 0o755)
	if err != nil {
		return nil, err
	}
	defer above.Close()
	if err := unix.Mkdirat(int(above.Fd()), path.Base(name), 0o700); err != nil {
		return nil, sys.PathError("mkdir", name, err)
	}
	dir, err = sys.OpenIn(above, path.Base(name), unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return dir, errors.Join(dir.Chown(t.uid, t.gid), dir.Chmod(mode))
}

// vacate deletes the file or link name of dir, if there is one.
func vacate(dir *os.File, name string) error {
	err := unix.Unlinkat(int(dir.Fd()), name, 0)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	return sys.PathError("unlink", path.Join(dir.Name(), name), err)
}

// file makes a file with what content yields. A link in its place is replaced,
// not followed.
func (t *tree) file(name string, content io.Reader, mode fs.FileMode) error {
	dir, base, err := t.parent(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := vacate(dir, base); err != nil {
		return err
	}
	f, err := sys.OpenIn(dir, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, content); err != nil {
		return err
	}
	return errors.Join(f.Chown(t.uid, t.gid), f.Chmod(mode))
}

// link makes a symbolic link.
func (t *tree) link(name, target string) error {
	dir, base, err := t.parent(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := vacate(dir, base); err != nil {
		return err
	}
	if err := unix.Symlinkat(target, int(dir.Fd()), base); err != nil {
		return sys.PathError("symlink", name, err)
	}
	return sys.PathError("chown", name, unix.Fchownat(int(dir.Fd()), base, t.uid, t.gid, unix.AT_SYMLINK_NOFOLLOW))
}
