package shim

import (
	"time"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// every has f called at intervals, until stopTimer.
func (l *loop) every(interval time.Duration, f func()) (timer int, err error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return 0, sys.CallError("timerfd_create", err)
	}
	tick := unix.NsecToTimespec(int64(interval))
	err = sys.CallError("timerfd_settime", unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Value: tick, Interval: tick}, nil))
	if err == nil {
		err = l.watch(fd, unix.EPOLLIN, func(uint32) {
			var ticks [8]byte
			unix.Read(fd, ticks[:])
			f()
		})
	}
	if err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// stopTimer ends a timer; 0 is none.
func (l *loop) stopTimer(timer int) {
	if timer != 0 {
		l.forget(timer)
		unix.Close(timer)
	}
}
