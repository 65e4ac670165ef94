package cgroup

import (
	"errors"
	"os"
	"strings"
	"time"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// Freeze stops all processes of the container, or lets them go on, and waits
// until it is so; a negative limit waits for ever, zero not at all. On a hybrid
// host the freezer of version 1 does it. Without any the error is ENOENT.
func (s *Set) Freeze(frozen bool, limit time.Duration) error {
	f, err := s.BeginFreeze(frozen)
	if err != nil {
		return err
	}
	return f.await(limit)
}

// FreezeDir is Freeze for clients of the command socket, which have the
// directory of the cgroup.
func FreezeDir(dir int, frozen bool, limit time.Duration) error {
	f, err := beginFreeze(dir, frozen)
	if err != nil {
		return err
	}
	return f.await(limit)
}

// A Freezing is a cgroup on its way to be frozen, or to go on, which may take
// as long as one of its processes sits in the kernel.
type Freezing struct {
	file   *os.File // freezer.state, or cgroup.events of version 2
	want   string   // in it, once it is so
	notify bool     // the file has news in the sense of POLLPRI
}

// BeginFreeze is Freeze for an event loop, which waits itself.
func (s *Set) BeginFreeze(frozen bool) (*Freezing, error) {
	h, ok := s.Find("freezer")
	if !ok {
		return nil, sys.CallError("freezer", unix.ENOENT)
	}
	dir, err := Open(h.Dir(s.Limit))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return beginFreeze(int(dir.Fd()), frozen)
}

func beginFreeze(dir int, frozen bool) (*Freezing, error) {
	order, value, name := "freezer.state", "THAWED", "freezer.state"
	if frozen {
		value = "FROZEN"
	}
	f := &Freezing{want: value, notify: IsV2(dir)}
	if f.notify {
		order, value, name, f.want = "cgroup.freeze", "0", "cgroup.events", "frozen 0"
		if frozen {
			value, f.want = "1", "frozen 1"
		}
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, sys.PathError("open", name, err)
	}
	f.file = os.NewFile(uintptr(fd), name)
	if err := writeAt(dir, order, value); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Settled says whether it is so. Of version 1, whose cgroups stay FREEZING
// until somebody looks, that moves it on.
func (f *Freezing) Settled() (bool, error) {
	var buf [256]byte
	n, err := sys.RetryInt(func() (int, error) { return unix.Pread(int(f.file.Fd()), buf[:], 0) })
	return strings.Contains(string(buf[:max(n, 0)]), f.want), sys.PathError("read", f.file.Name(), err)
}

// FD gives the descriptor that has POLLPRI when it is worth looking again; -1 if
// nothing tells.
func (f *Freezing) FD() int {
	if !f.notify {
		return -1
	}
	return int(f.file.Fd())
}

// Close ends the waiting, not the freezing.
func (f *Freezing) Close() { f.file.Close() }

// await waits until it is so, and closes it.
func (f *Freezing) await(limit time.Duration) error {
	defer f.Close()
	if limit < 0 {
		limit = 1<<63 - 1
	}
	const longest = 20 * time.Millisecond // between two looks, where nothing tells
	pause := 200 * time.Microsecond
	for start := time.Now(); ; pause = min(2*pause, longest) {
		settled, err := f.Settled()
		if settled || err != nil || limit == 0 {
			return err
		}
		left := limit - time.Since(start)
		switch {
		case left <= 0:
			return errors.New(f.file.Name() + ": timed out")
		case !f.notify:
			time.Sleep(min(left, pause))
		default:
			unix.Poll([]unix.PollFd{{Fd: int32(f.FD()), Events: unix.POLLPRI}}, int(min(left.Milliseconds(), 1000))+1)
		}
	}
}
