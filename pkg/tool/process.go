package tool

import (
	"errors"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// firstFD is the first descriptor after the standard ones.
const firstFD = 3

// guardDescriptors makes the descriptors the caller left open close-on-exec,
// except those of socket activation, which are 3 to 2+LISTEN_FDS
// (sd_listen_fds(3)), and says how many these are. It comes before anything is
// opened. Who has the variable of somebody else and not the descriptors has
// none: the numbers will be those of our own files.
func guardDescriptors() (listen int, err error) {
	if n, err := strconv.ParseUint(os.Getenv("LISTEN_FDS"), 10, 16); err == nil {
		for listen < int(n) && inherited(firstFD+listen) {
			listen++
		}
	}
	return listen, sys.CallError("close_range", unix.CloseRange(uint(firstFD+listen), math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC))
}

// inherited says whether fd is open and was meant to outlive an exec.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// checkAccess tells an ordinary user early that the containers are not his.
func (c *Call) checkAccess() error {
	if !c.Spec.NeedsPath || os.Geteuid() == 0 || unix.Access(c.LXCPath, unix.R_OK) == nil {
		return nil
	}
	return errors.New("you lack access to " + c.LXCPath)
}
