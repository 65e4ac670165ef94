package shim

import (
	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// A loop waits for descriptors and calls their handlers, one after another.
type loop struct {
	epoll    int
	handlers map[int]func(events uint32)
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, sys.CallError("epoll_create1", err)
	}
	return &loop{fd, map[int]func(uint32){}}, nil
}

// watch calls f whenever one of the events (EPOLLIN, EPOLLOUT) is there, or
// the other side hangs up. Watching again changes events and handler.
func (l *loop) watch(fd int, events uint32, f func(events uint32)) error {
	op := unix.EPOLL_CTL_ADD
	if _, known := l.handlers[fd]; known {
		op = unix.EPOLL_CTL_MOD
	}
	err := unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	if err != nil {
		return sys.CallError("epoll_ctl", err)
	}
	l.handlers[fd] = f
	return nil
}

// forget stops watching fd; it comes before closing it.
func (l *loop) forget(fd int) {
	if _, known := l.handlers[fd]; known {
		unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, fd, nil)
		delete(l.handlers, fd)
	}
}

// run handles events until done says so.
func (l *loop) run(done func() bool) error {
	var events [16]unix.EpollEvent
	for !done() {
		n, err := sys.RetryInt(func() (int, error) { return unix.EpollWait(l.epoll, events[:], -1) })
		if err != nil {
			return sys.CallError("epoll_wait", err)
		}
		for _, e := range events[:n] {
			// An earlier handler of this round may have closed the descriptor.
			if f := l.handlers[int(e.Fd)]; f != nil {
				f(e.Events)
			}
		}
	}
	return nil
}
