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
// except those of socket activation, 3 to 2+LISTEN_FDS (sd_listen_fds(3)).
func guardDescriptors() error {
	first := uint(firstFD)
	if n, err := strconv.ParseUint(os.Getenv("LISTEN_FDS"), 10, 16); err == nil {
		first += uint(n)
	}
	return sys.CallError("close_range", unix.CloseRange(first, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC))
}

// checkAccess tells an ordinary user early that the containers are not his.
func (c *Call) checkAccess() error {
	if !c.Spec.NeedsPath || os.Geteuid() == 0 || unix.Access(c.LXCPath, unix.R_OK) == nil {
		return nil
	}
	return errors.New("you lack access to " + c.LXCPath)
}
