package shim

import (
	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// A loop waits for descriptors and calls their handlers, one after another. A
// nil loop is one that cannot be had: it watches nothing.
type loop struct {
	epoll    int
	handlers map[int]handler
	watched  int32 // how many watches there have been
}

// A handler is what to call. Its number tells it from an earlier one of the
// same descriptor, for which an event may still be at hand.
type handler struct {
	number int32
	call   func(events uint32)
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, sys.CallError("epoll_create1", err)
	}
	return &loop{epoll: fd, handlers: map[int]handler{}}, nil
}

// watch calls f whenever one of the events (EPOLLIN, EPOLLOUT) is there, or
// the other side hangs up. Watching again changes events and handler.
func (l *loop) watch(fd int, events uint32, f func(events uint32)) error {
	if l == nil {
		return sys.CallError("epoll_ctl", unix.EBADF)
	}
	h, known := l.handlers[fd]
	op := unix.EPOLL_CTL_MOD
	if !known {
		op = unix.EPOLL_CTL_ADD
		l.watched++
		h.number = l.watched
	}
	err := unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd), Pad: h.number})
	if err != nil {
		return sys.CallError("epoll_ctl", err)
	}
	h.call = f
	l.handlers[fd] = h
	return nil
}

// forget stops watching fd; it comes before closing it.
func (l *loop) forget(fd int) {
	if l == nil {
		return
	}
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
			// An earlier handler of this round may have closed the descriptor, and
			// another may have its number since.
			if h, known := l.handlers[int(e.Fd)]; known && h.number == e.Pad {
				h.call(e.Events)
			}
		}
	}
	return nil
}
