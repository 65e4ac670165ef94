package storage

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
	"gantry/pkg/plan"
)

// A Copy is one copying of a file tree.
type Copy struct {
	From, To string       // directories; To exists, and what is in it stays
	IDMap    []plan.IDMap // files get the ids their owners have under this map; nil leaves them

	// Progress, unless nil, hears of every file with its size.
	Progress func(bytes int64)

	links map[inode]string // where files with several names were copied to first
	to    *os.File
}

type inode struct{ dev, ino uint64 }

// Run copies the tree as it is: owners, modes, times, links, holes, devices,
// attributes. It stays on From's file system. Data is shared between the two
// where the file system can do that. To takes over what From itself is.
func (c *Copy) Run(ctx context.Context) error {
	from, err := os.OpenFile(c.From, unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	if c.to, err = os.OpenFile(c.To, unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	defer c.to.Close()
	c.links = map[inode]string{}
	var st unix.Stat_t
	if err := unix.Fstat(int(from.Fd()), &st); err != nil {
		return sys.PathError("stat", c.From, err)
	}
	return c.dir(ctx, from, c.to, &st, "")
}

// dir copies the entries of from into to, then what from itself is. The path
// is that of both, relative to the trees.
func (c *Copy) dir(ctx context.Context, from, to *os.File, st *unix.Stat_t, path string) error {
	for {
		names, err := from.Readdirnames(512)
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := c.entry(ctx, from, to, name, filepath.Join(path, name), st.Dev); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	return c.describe(from, to, st)
}

func (c *Copy) entry(ctx context.Context, from, to *os.File, name, path string, dev uint64) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(from.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return sys.PathError("stat", path, err)
	}
	if st.Dev != dev {
		return nil
	}
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	if st.Nlink > 1 && !isDir {
		id := inode{st.Dev, st.Ino}
		if first, ok := c.links[id]; ok {
			return sys.PathError("link", path, unix.Linkat(int(c.to.Fd()), first, int(to.Fd()), name, 0))
		}
		c.links[id] = path
	}
	if c.Progress != nil {
		defer c.Progress(st.Size)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return c.subdir(ctx, from, to, &st, name, path)
	case unix.S_IFREG:
		return c.file(from, to, &st, name, path)
	case unix.S_IFLNK:
		return c.symlink(from, to, &st, name, path)
	}
	if err := unix.Mknodat(int(to.Fd()), name, st.Mode, int(st.Rdev)); err != nil {
		return sys.PathError("mknod", path, err)
	}
	return c.describeName(from, to, name, path, &st)
}

func (c *Copy) subdir(ctx context.Context, from, to *os.File, st *unix.Stat_t, name, path string) error {
	if err := unix.Mkdirat(int(to.Fd()), name, 0o700); err != nil && err != unix.EEXIST {
		return sys.PathError("mkdir", path, err)
	}
	const flags = unix.O_DIRECTORY | unix.O_NOFOLLOW
	subFrom, err := openAt(from, name, path, flags, 0)
	if err != nil {
		return err
	}
	defer subFrom.Close()
	subTo, err := openAt(to, name, path, flags, 0)
	if err != nil {
		return err
	}
	defer subTo.Close()
	return c.dir(ctx, subFrom, subTo, st, path)
}

func (c *Copy) symlink(from, to *os.File, st *unix.Stat_t, name, path string) error {
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(from.Fd()), name, target)
	if err != nil {
		return sys.PathError("readlink", path, err)
	}
	if err := unix.Symlinkat(string(target[:n]), int(to.Fd()), name); err != nil {
		return sys.PathError("symlink", path, err)
	}
	return c.describeName(from, to, name, path, st)
}

func (c *Copy) file(from, to *os.File, st *unix.Stat_t, name, path string) error {
	src, err := openAt(from, name, path, unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := openAt(to, name, path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer dst.Close()
	if err := copyData(src, dst, st); err != nil {
		return sys.PathError("copy", path, err)
	}
	return c.describe(src, dst, st)
}

// copyData shares the data if the file system can, else copies what is not a
// hole.
func copyData(src, dst *os.File, st *unix.Stat_t) error {
	if st.Size == 0 || unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) == nil {
		return nil
	}
	if st.Blocks*512 >= st.Size { // no holes
		_, err := io.Copy(dst, src)
		return err
	}
	if err := dst.Truncate(st.Size); err != nil {
		return err
	}
	for end := int64(0); end < st.Size; {
		start, err := unix.Seek(int(src.Fd()), end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // a hole up to the end
			return nil
		}
		if err != nil {
			return err
		}
		if end, err = unix.Seek(int(src.Fd()), start, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := dst.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(dst, io.NewSectionReader(src, start, end-start)); err != nil {
			return err
		}
	}
	return nil
}

func openAt(dir *os.File, name, path string, flags int, mode uint32) (*os.File, error) {
	fd, err := sys.RetryInt(func() (int, error) {
		return unix.Openat(int(dir.Fd()), name, flags|unix.O_CLOEXEC, mode)
	})
	if err != nil {
		return nil, sys.PathError("open", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}
