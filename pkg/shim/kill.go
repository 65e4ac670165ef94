package shim

import (
	"os"

	"golang.org/x/sys/unix"
)

// insistence is how long a killed init has to end, in nanoseconds, before the
// rest of the container is killed too, again and again. Its end waits for all
// processes of its pid namespace, and root inside may have frozen some since.
const insistence = 200e6

// insist has the container killed as a whole if the init does not end soon.
func (s *shim) insist() {
	if s.killer != nil || s.ended {
		return
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		s.log.Warn("timerfd_create: ", err.Error())
		return
	}
	every := unix.Timespec{Nsec: insistence}
	err = unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Value: every, Interval: every}, nil)
	if err == nil {
		err = s.watch(fd, unix.EPOLLIN, func(uint32) { s.killAll() })
	}
	if err != nil {
		s.log.Warn("timer: ", err.Error())
		unix.Close(fd)
		return
	}
	s.killer = os.NewFile(uintptr(fd), "timer")
}

func (s *shim) killAll() {
	var ticks [8]byte
	unix.Read(int(s.killer.Fd()), ticks[:])
	s.cgroups.Kill()
}

// desist ends insist.
func (s *shim) desist() {
	if s.killer != nil {
		s.forget(int(s.killer.Fd()))
		s.killer.Close()
		s.killer = nil
	}
}
