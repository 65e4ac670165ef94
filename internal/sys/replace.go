package sys

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Replacement is the name under which ReplaceFile writes what takes the place of
// path.
func Replacement(path string) string {
	slash := strings.LastIndexByte(path, '/') + 1
	return path[:slash] + "." + path[slash:] + ".new"
}

// ReplaceFile gives a file a new content, as a whole or not at all. It keeps its
// mode and owner, and a link to it stays a link; one that was not there gets mode
// less the umask. Who may replace the same file is kept away by a lock of the
// caller's: the name of the new one is always the same, so that a call which was
// killed leaves nothing the next one does not take away.
func ReplaceFile(path, content string, mode fs.FileMode) error {
	old, err := os.OpenFile(path, unix.O_PATH, 0)
	switch {
	case err == nil:
		defer old.Close()
		if path, err = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(old.Fd()))); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	beside := Replacement(path)
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer file.Close()
	if err = fill(file, content, old); err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		os.Remove(beside)
	}
	return err
}

// fill writes a new file that is to take the place of old, if that is not nil.
func fill(file *os.File, content string, old *os.File) error {
	if old != nil {
		var was unix.Stat_t
		if err := unix.Fstat(int(old.Fd()), &was); err != nil {
			return PathError("stat", old.Name(), err)
		}
		// Who may not give files away keeps his own.
		if int(was.Uid) != os.Geteuid() || int(was.Gid) != os.Getegid() {
			if err := file.Chown(int(was.Uid), int(was.Gid)); err != nil {
				return err
			}
		}
		if err := file.Chmod(fs.FileMode(was.Mode & 0o777)); err != nil {
			return err
		}
	}
	if _, err := file.WriteString(content); err != nil {
		return err
	}
	return file.Sync()
}
