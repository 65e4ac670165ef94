package cgroup

import (
	"errors"
	"strings"
	"time"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// Freeze stops all processes of the container, or lets them go on, and waits
// until it is so; a negative limit waits for ever, zero not at all. On a hybrid
// host the freezer of version 1 does it. Without any the error is ENOENT.
func (s *Set) Freeze(frozen bool, limit time.Duration) error {
	h, ok := s.Find("freezer")
	if !ok {
		return sys.CallError("freezer", unix.ENOENT)
	}
	dir, err := Open(h.Dir(s.Limit))
	if err != nil {
		return err
	}
	defer dir.Close()
	return FreezeDir(int(dir.Fd()), frozen, limit)
}

// FreezeDir is Freeze for clients of the command socket, which have the
// directory of the cgroup.
func FreezeDir(dir int, frozen bool, limit time.Duration) error {
	if limit < 0 {
		limit = 1<<63 - 1
	}
	if IsV2(dir) {
		return freezeV2(dir, frozen, limit)
	}
	state := "THAWED"
	if frozen {
		state = "FROZEN"
	}
	if err := writeAt(dir, "freezer.state", state); err != nil || limit == 0 {
		return err
	}
	// Reading moves a cgroup on from FREEZING; there is nothing to poll.
	done := func() bool {
		now, err := readAt(dir, "freezer.state")
		return err != nil || now == state
	}
	if !waitFor(limit, done) {
		return errors.New("freezer: timed out")
	}
	return nil
}

// freezeV2 waits on cgroup.events, which becomes readable in the sense of
// POLLPRI at each change.
func freezeV2(dir int, frozen bool, limit time.Duration) error {
	value, want := "0", "frozen 0"
	if frozen {
		value, want = "1", "frozen 1"
	}
	events, err := unix.Openat(dir, "cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return sys.PathError("open", "cgroup.events", err)
	}
	defer unix.Close(events)
	if err := writeAt(dir, "cgroup.freeze", value); err != nil || limit == 0 {
		return err
	}
	buf := make([]byte, 256)
	for start := time.Now(); ; {
		n, err := unix.Pread(events, buf, 0)
		if err != nil && err != unix.EINTR {
			return sys.PathError("read", "cgroup.events", err)
		}
		if strings.Contains(string(buf[:max(n, 0)]), want) {
			return nil
		}
		left := limit - time.Since(start)
		if left <= 0 {
			return errors.New("cgroup.freeze: timed out")
		}
		unix.Poll([]unix.PollFd{{Fd: int32(events), Events: unix.POLLPRI}}, int(min(left.Milliseconds(), 1000))+1)
	}
}
