package terminal

import (
	"errors"
	"os"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// A Loop is the event loop a Console lives in.
type Loop struct {
	// Watch has f called when one of events (EPOLLIN, EPOLLOUT) is there, or
	// the other side hangs up. Watching again replaces events and f.
	Watch func(fd int, events uint32, f func(events uint32)) error
	// Forget ends that; it is called before the descriptor is closed.
	Forget func(fd int)
}

const (
	chunk = 4096 // of one read, and what a pty holds
	// backlog is how much a peer may be behind.
	backlog = 16 * chunk
	// turn is how many chunks are read before the loop sees to others.
	turn = 16
)

// A Console is the shim's end of /dev/console. What the container writes goes
// to the log, the ring and the peer; what is typed at the peer goes to the
// container. A peer that does not read holds nobody up: it is behind for up to
// 64 kB and misses what comes then.
type Console struct {
	loop  Loop
	log   *Log  // nil for none
	ring  *Ring // nil for none
	ptx   int
	pts   *os.File       // held open, so that ptx does not hang up while nobody in the container has it open
	peer  *peer          // nil for none
	typed []byte         // at the peer, what the container has not taken yet
	waits map[int]uint32 // what the loop watches for
}

// NewConsole begins to read a console's ptx, which stays the caller's to
// close. Log and ring may be nil; the log is closed by Close.
func NewConsole(loop Loop, ptx int, log *Log, ring *Ring) (*Console, error) {
	pts, err := Other(ptx)
	if err != nil {
		return nil, err
	}
	c := &Console{loop: loop, log: log, ring: ring, ptx: ptx, pts: pts, waits: map[int]uint32{}}
	if err = unix.SetNonblock(ptx, true); err == nil {
		err = c.update()
	}
	if err != nil {
		pts.Close()
		return nil, sys.CallError("watch the console", err)
	}
	return c, nil
}

// update tells the loop what the console waits for.
func (c *Console) update() error {
	var ptx, in, out uint32
	if len(c.typed) > 0 {
		ptx |= unix.EPOLLOUT
	} else {
		in = unix.EPOLLIN
	}
	p := c.peer
	if p == nil {
		return c.watch(c.ptx, ptx|unix.EPOLLIN, c.ready)
	}
	if !p.full() {
		ptx |= unix.EPOLLIN
	}
	if len(p.behind) > 0 {
		out = unix.EPOLLOUT
	}
	if err := c.watch(c.ptx, ptx, c.ready); err != nil {
		return err
	}
	if p.In == p.Out {
		return c.watch(p.In, in|out, c.peerReady)
	}
	if err := c.watch(p.In, in, c.peerReady); err != nil {
		return err
	}
	if out == 0 {
		// Watched idly, a pipe without a reader would wake the loop for ever.
		c.forget(p.Out)
		return nil
	}
	return c.watch(p.Out, out, c.outReady)
}

// watch watches a descriptor, if there is one. Regular files have no events
// and need none: they take all output, and nothing is typed at them.
func (c *Console) watch(fd int, events uint32, f func(events uint32)) error {
	if now, watched := c.waits[fd]; fd < 0 || watched && now == events {
		return nil
	}
	err := c.loop.Watch(fd, events, f)
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	if err == nil {
		c.waits[fd] = events
	}
	return err
}

func (c *Console) forget(fd int) {
	if _, watched := c.waits[fd]; watched {
		delete(c.waits, fd)
		c.loop.Forget(fd)
	}
}

// ready serves the ptx.
func (c *Console) ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		c.enter(nil)
	}
	if events&^unix.EPOLLOUT != 0 {
		c.read()
	}
	c.update()
}

// read passes on a turn's worth of output. idle says that there is no more.
func (c *Console) read() (idle bool) {
	var b [chunk]byte
	for range turn {
		if c.peer != nil && c.peer.full() {
			return false
		}
		n, err := sys.RetryInt(func() (int, error) { return unix.Read(c.ptx, b[:]) })
		if err != nil || n == 0 {
			return true
		}
		c.show(b[:n])
	}
	return false
}

// show passes output on.
func (c *Console) show(b []byte) {
	if c.ring != nil {
		c.ring.Write(b)
	}
	if c.log != nil {
		c.log.Write(b) // a full disk does not stop the container
	}
	if c.peer != nil {
		c.Resize()
		if c.peer.show(b) != nil {
			c.Disconnect()
		}
	}
}

// enter passes on what was typed.
func (c *Console) enter(b []byte) {
	c.typed = append(c.typed, b...)
	for len(c.typed) > 0 {
		n, err := sys.RetryInt(func() (int, error) { return unix.Write(c.ptx, c.typed) })
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			break
		}
		c.typed = c.typed[n:]
	}
	c.typed = nil
}

// Ring gives the buffer CONSOLE_LOG reads; nil for none.
func (c *Console) Ring() *Ring { return c.ring }

// Drain passes on what the container has written before it ended, and gives a
// patient peer a second to take it.
func (c *Console) Drain() {
	// Bounded, since a process outside the container may share the terminal.
	for range turn {
		idle := c.read()
		if p := c.peer; p != nil && p.flush(p.Patient) != nil {
			c.Disconnect()
		}
		if idle || c.peer != nil && c.peer.full() {
			return
		}
	}
}

// Close gives up console, peer and log. Whoever looks at the console sees it
// hang up.
func (c *Console) Close() {
	c.Disconnect()
	c.forget(c.ptx)
	c.pts.Close()
	if c.log != nil {
		c.log.Close()
	}
}
