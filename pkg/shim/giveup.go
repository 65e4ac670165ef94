package shim

import (
	"time"
	"unsafe"

	"gantry/internal/sys"
	"gantry/pkg/handover"
	"golang.org/x/sys/unix"
)

// giveUp ends a container that cannot be supervised. What set-up did is undone,
// and hooks run, as at every end; only the loop is not there for it.
func (s *shim) giveUp() {
	s.closeConsole()
	for name, f := range s.files {
		// Descriptors may be what there are too few of.
		if isOfLife(name) && name != handover.Init {
			f.Close()
			delete(s.files, name)
		}
	}
	if s.loop != nil {
		unix.Close(s.loop.epoll)
		s.loop = nil
	}
	for began := time.Now(); !s.ended; time.Sleep(time.Millisecond) {
		s.signal(unix.SIGKILL)
		if time.Since(began) > insistence {
			s.cgroups.Kill()
		}
		s.reap(s.state.InitPid, unix.WNOHANG)
	}
}

// wayOut is how many descriptors no client can take: what runStage needs.
const wayOut = 8

// spareFiles keeps n descriptors from being used. It is a call of the kernel's
// only: what the Go runtime knows of the limit is what lxc-stage will get.
func spareFiles(n uint64) error {
	var limit unix.Rlimit
	get := func(new, old *unix.Rlimit) error {
		_, _, errno := unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), 0, 0)
		if errno != 0 {
			return sys.CallError("prlimit", errno)
		}
		return nil
	}
	if err := get(nil, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max - min(n, limit.Max)
	return get(&limit, nil)
}
