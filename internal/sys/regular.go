package sys

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenRegularIn opens a regular file for reading, as OpenIn does. A file of
// another kind is refused without being opened, since to open a device or a
// fifo does something; one whose lease another process holds is refused
// without waiting (EAGAIN).
func OpenRegularIn(root *os.File, path string) (*os.File, error) {
	found, err := OpenIn(root, path, unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(found.Fd()), &st); err != nil {
		return nil, PathError("stat", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, PathError("open", path, unix.EINVAL)
	}
	fd, err := RetryInt(func() (int, error) {
		return unix.Open("/proc/self/fd/"+strconv.Itoa(int(found.Fd())), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, PathError("open", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}
