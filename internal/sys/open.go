package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// OpenIn opens path beneath the directory root as though root were "/": no
// symbolic link, "..", or magic link of /proc leads out of it (openat2(2),
// RESOLVE_IN_ROOT). O_CLOEXEC is added. The caller owns the file.
func OpenIn(root *os.File, path string, flags int, mode uint32) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Mode:    uint64(mode),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(int(root.Fd()), path, &how)
		// EAGAIN: a rename or mount raced with the walk (openat2(2)); look again,
		// but not for as long as somebody likes to go on.
		if err == unix.EINTR || err == unix.EAGAIN && tries < 100 {
			continue
		}
		if err != nil {
			return nil, PathError("openat2", path, err)
		}
		return os.NewFile(uintptr(fd), path), nil
	}
}
