package session

import (
	"os"

	"gantry/internal/cleanup"
	"gantry/internal/sys"
	"gantry/pkg/terminal"
	"golang.org/x/sys/unix"
)

const (
	chunk = 16 << 10
	// last is how much output is looked for after the child has ended: more
	// than a pty can hold, so that it includes all the child has written. What
	// the child's own children write may go on for ever.
	last = 64 << 10
	// timid is how much is written at a time to what may block.
	timid = 512
)

// A pump is a session at work.
type pump struct {
	*Session
	tty     *tty
	signals *signals
	escape  escape
	undo    cleanup.Stack

	in, out, ptx, child int  // -1 for none
	blocks              bool // out may

	buffer [chunk]byte
	typed  []byte // for the ptx
	behind []byte // for out
	ending bool   // only behind is left to do
	result Result
}

func newPump(s *Session) (*pump, error) {
	p := &pump{Session: s, in: -1, out: -1, child: -1, tty: newTTY(s.In, s.Out), escape: escape{key: s.Escape}}
	err := p.open()
	if err == nil {
		p.undo.Add(p.tty.leave)
		p.tty.resize(p.ptx)
		err = p.tty.enter()
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// open gets everything ready that poll(2) will look at.
func (p *pump) open() (err error) {
	p.ptx = int(p.Ptx.Fd())
	flags, err := unix.FcntlInt(uintptr(p.ptx), unix.F_GETFL, 0)
	if err == nil {
		// The ptx of a container's tty is shared with the monitor.
		p.undo.Add(func() { unix.FcntlInt(uintptr(p.ptx), unix.F_SETFL, flags) })
		err = unix.SetNonblock(p.ptx, true)
	}
	if err != nil {
		return sys.CallError("fcntl", err)
	}
	if p.signals, err = catch(p.Ignore); err != nil {
		return err
	}
	p.undo.Add(p.signals.close)
	if p.In != nil {
		p.in, _ = p.reopen(p.In, unix.O_RDONLY)
	}
	if p.Out != nil {
		p.out, p.blocks = p.reopen(p.Out, unix.O_WRONLY)
	}
	if p.Child != nil {
		p.child = int(p.Child.Fd())
	}
	return nil
}

// reopen gives a descriptor that does not block, if that can be had.
func (p *pump) reopen(f *os.File, flags int) (fd int, blocks bool) {
	fd, err := terminal.Reopen(int(f.Fd()), flags)
	if err != nil {
		info, err := f.Stat()
		return int(f.Fd()), err != nil || !info.Mode().IsRegular()
	}
	p.undo.Add(func() { unix.Close(fd) })
	return fd, false
}

// close undoes newPump.
func (p *pump) close() { p.undo.Run() }

// over says that the session has ended and all output is out.
func (p *pump) over() bool {
	return p.ending && (len(p.behind) == 0 || p.result.End == Signaled)
}

// end begins the end.
func (p *pump) end(why End) {
	if !p.ending {
		p.ending, p.result.End = true, why
	}
}

// A wait is a descriptor, what is waited for, and what to do then.
type wait struct {
	fd     int
	events int16
	ready  func() error
}

// turn waits for something to do and does it.
func (p *pump) turn() error {
	waits := p.waits()
	fds := make([]unix.PollFd, len(waits))
	for i, w := range waits {
		fds[i] = unix.PollFd{Fd: int32(w.fd), Events: w.events}
	}
	if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
		return sys.CallError("poll", err)
	}
	for i, w := range waits {
		if fds[i].Revents == 0 {
			continue
		}
		if err := w.ready(); err != nil {
			return err
		}
	}
	return nil
}

// waits lists what there is to wait for. What has no events is not listed: its
// hang-up would come up again and again.
func (p *pump) waits() []wait {
	waits := []wait{{p.signals.r, unix.POLLIN, p.signal}}
	if len(p.behind) > 0 {
		waits = append(waits, wait{p.out, unix.POLLOUT, p.flush})
	}
	if p.ending {
		return waits
	}
	if len(p.behind) < chunk {
		waits = append(waits, wait{p.ptx, unix.POLLIN, p.read})
	}
	switch {
	case len(p.typed) > 0:
		waits = append(waits, wait{p.ptx, unix.POLLOUT, p.enter})
	case p.in >= 0:
		waits = append(waits, wait{p.in, unix.POLLIN, p.listen})
	}
	if p.child >= 0 {
		waits = append(waits, wait{p.child, unix.POLLIN, p.childEnded})
	}
	return waits
}

// signal does what a signal asks for.
func (p *pump) signal() error {
	switch sig := p.signals.next(); sig {
	case 0:
	case unix.SIGWINCH:
		p.tty.resize(p.ptx)
	case unix.SIGTSTP:
		p.tty.leave()
		return sys.CallError("kill", unix.Kill(os.Getpid(), unix.SIGSTOP))
	case unix.SIGCONT:
		// In the background this stops us, with SIGTTOU, until the next one.
		p.tty.resize(p.ptx)
		return p.tty.enter()
	default:
		p.ending, p.result = true, Result{Signaled, sig}
	}
	return nil
}

// read takes output, if there is any.
func (p *pump) read() error {
	_, err := p.take(chunk)
	return err
}

// take reads up to max bytes of output, a chunk at most; 0 is no more for now.
func (p *pump) take(max int) (int, error) {
	b := p.buffer[:max]
	n, err := sys.RetryInt(func() (int, error) { return unix.Read(p.ptx, b) })
	switch {
	case err == unix.EAGAIN:
		return 0, nil
	case err == unix.EIO, err == nil && n == 0:
		p.end(HungUp)
		return 0, nil
	case err != nil:
		return 0, sys.CallError("read", err)
	}
	if p.Copy != nil {
		if _, err := p.Copy.Write(b[:n]); err != nil {
			return n, err
		}
	}
	if p.out >= 0 {
		p.behind = append(p.behind, b[:n]...)
	}
	if p.blocks {
		return n, nil // when poll says so
	}
	return n, p.flush()
}

// childEnded shows what the child has left. A read of a pty waits for the kernel's
// worker to bring all that was written before it, wherever that is buffered; but a
// worker that found no room where we have just made some queues itself anew, and a
// read that waited for the old turn comes back empty: two in a row are the truth.
func (p *pump) childEnded() error {
	for room, empty := last, 0; room > 0 && empty < 2 && !p.ending; {
		n, err := p.take(min(room, chunk))
		if err != nil {
			return err
		}
		if n == 0 {
			empty++
		} else {
			empty = 0
		}
		room -= n
	}
	p.ending, p.result.End = true, ChildEnded
	return nil
}

// flush writes output as far as it goes.
func (p *pump) flush() error {
	for len(p.behind) > 0 {
		b := p.behind
		if p.blocks {
			b = b[:min(len(b), timid)]
		}
		n, err := sys.RetryInt(func() (int, error) { return unix.Write(p.out, b) })
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return sys.CallError("write", err)
		}
		p.behind = p.behind[n:]
		if p.blocks {
			return nil // poll first
		}
	}
	p.behind = nil
	return nil
}

// listen takes what is typed.
func (p *pump) listen() error {
	b := p.buffer[:]
	n, err := sys.RetryInt(func() (int, error) { return unix.Read(p.in, b) })
	switch {
	case err == unix.EAGAIN:
		return nil
	case err == unix.EIO, err == nil && n == 0:
		return p.inputEnded()
	case err != nil:
		return sys.CallError("read", err)
	}
	p.tty.ahead.Mend(b[:n])
	typed, quit := p.escape.filter(b[:n])
	p.typed = append(p.typed, typed...)
	if quit {
		err = p.enter()
		p.end(Left)
		return err
	}
	return p.enter()
}

// inputEnded shows what there is to show and ends.
func (p *pump) inputEnded() error {
	_, err := p.take(chunk)
	p.end(InputEnded)
	return err
}

// enter gives the pty what was typed, as far as it goes.
func (p *pump) enter() error {
	for len(p.typed) > 0 {
		n, err := sys.RetryInt(func() (int, error) { return unix.Write(p.ptx, p.typed) })
		switch err {
		case nil:
			p.typed = p.typed[n:]
		case unix.EAGAIN:
			return nil
		case unix.EIO: // nobody there; what they wrote before is still to be read
			p.typed = nil
			return nil
		default:
			return sys.CallError("write", err)
		}
	}
	p.typed = nil
	return nil
}
