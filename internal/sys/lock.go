package sys

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A file is locked as a whole, for its open file (OFD, fcntl(2)): the lock ends
// with the last descriptor of that, in whatever process, and one taken before
// turns into the new one. kind is unix.F_RDLCK, F_WRLCK or F_UNLCK.

// Lock waits for the lock.
func Lock(file *os.File, kind int16) error {
	return PathError("lock", file.Name(), Retry(func() error { return setLock(file, unix.F_OFD_SETLKW, kind) }))
}

// TryLock says whether the lock is to be had at once, and takes it.
func TryLock(file *os.File, kind int16) (ok bool, err error) {
	err = setLock(file, unix.F_OFD_SETLK, kind)
	if err == unix.EAGAIN || err == unix.EACCES {
		return false, nil
	}
	return err == nil, PathError("lock", file.Name(), err)
}

func setLock(file *os.File, command int, kind int16) error {
	return unix.FcntlFlock(file.Fd(), command, &unix.Flock_t{Type: kind, Whence: io.SeekStart})
}
