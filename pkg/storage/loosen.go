package storage

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// fixed are the attributes of chattr(1) that keep even root from deleting a
// file: i and a (FS_IMMUTABLE_FL, FS_APPEND_FL of linux/fs.h).
const fixed = 0x10 | 0x20

// unlink deletes an entry of dir, whatever its attributes; flags are those of
// unlinkat(2).
func unlink(dir *os.File, name string, flags int) error {
	remove := func() error {
		return sys.Retry(func() error { return unix.Unlinkat(int(dir.Fd()), name, flags) })
	}
	err := remove()
	if err == unix.EPERM && loosen(dir, name) {
		err = remove()
	}
	return err
}

// loosen takes the attributes away that keep an entry in its directory, and
// says whether there were any.
func loosen(dir *os.File, name string) bool {
	any := loosenFile(int(dir.Fd()))
	path, err := unix.Openat(int(dir.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return any
	}
	defer unix.Close(path)
	var st unix.Stat_t
	if unix.Fstat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return any // opening a device would do something
	}
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(path), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return any
	}
	defer unix.Close(fd)
	return loosenFile(fd) || any
}

func loosenFile(fd int) bool {
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err != nil || flags&fixed == 0 {
		return false
	}
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags&^fixed) == nil
}
