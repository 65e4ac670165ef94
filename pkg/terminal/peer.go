package terminal

import (
	"errors"
	"os"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// ErrBusy means that somebody has the terminal already.
var ErrBusy = errors.New("terminal already in use")

// A Peer is where the console is shown and typed at. In and Out may be the
// same descriptor. They stay the caller's to close, and become non-blocking:
// what the shell shares has to be reopened for this (see Reopen).
type Peer struct {
	In  int // -1 for none
	Out int // -1 for none
	// Patient: the container waits while the peer takes no output, as for any
	// command on a terminal or pipe. Otherwise the peer misses some.
	Patient bool
	Ahead   Ahead // In's
}

// A peer is a Peer that is connected.
type peer struct {
	Peer
	behind []byte     // output it has not taken yet
	own    []*os.File // closed with it
	size   unix.Winsize
}

// full says that the console has to wait for it.
func (p *peer) full() bool { return p.Patient && len(p.behind) >= backlog }

// show gives it output.
func (p *peer) show(b []byte) error {
	if p.Out < 0 {
		return nil
	}
	if !p.Patient && len(p.behind)+len(b) > backlog {
		return nil
	}
	p.behind = append(p.behind, b...)
	return p.flush(false)
}

// flush writes what it is behind. With wait it gives the other side a second,
// and one more after every bit that it takes.
func (p *peer) flush(wait bool) error {
	for len(p.behind) > 0 {
		n, err := sys.RetryInt(func() (int, error) { return unix.Write(p.Out, p.behind) })
		switch {
		case err == unix.EAGAIN && wait:
			ready, err := unix.Poll([]unix.PollFd{{Fd: int32(p.Out), Events: unix.POLLOUT}}, 1000)
			if ready == 0 && err == nil {
				return nil
			}
		case err == unix.EAGAIN:
			return nil
		case err != nil:
			return sys.CallError("write", err)
		default:
			p.behind = p.behind[n:]
		}
	}
	p.behind = nil
	return nil
}

// Connect shows the console to a peer. The error is ErrBusy when there is one.
func (c *Console) Connect(p Peer) error { return c.connect(&peer{Peer: p}) }

func (c *Console) connect(p *peer) error {
	if c.peer != nil {
		return ErrBusy
	}
	c.peer = p
	for _, fd := range []int{p.In, p.Out} {
		if fd >= 0 {
			unix.SetNonblock(fd, true)
		}
	}
	if err := c.update(); err != nil {
		c.Disconnect()
		return err
	}
	c.Resize()
	return nil
}

// Proxy makes a terminal for somebody else to look at the console. The ptx is
// to be handed out; it is closed by Disconnect. The error is ErrBusy when
// there is a peer.
func (c *Console) Proxy() (ptx int, err error) {
	if c.peer != nil {
		return -1, ErrBusy
	}
	far, near, err := Open()
	if err != nil {
		return -1, err
	}
	fd := int(near.Fd())
	if _, err = Raw(fd); err == nil {
		err = c.connect(&peer{Peer: Peer{In: fd, Out: fd}, own: []*os.File{far, near}})
	}
	if err != nil {
		far.Close()
		near.Close()
		return -1, err
	}
	return int(far.Fd()), nil
}

// Disconnect parts the console from its peer, if it has one.
func (c *Console) Disconnect() {
	p := c.peer
	if p == nil {
		return
	}
	c.peer, c.typed = nil, nil
	c.forget(p.In)
	c.forget(p.Out)
	for _, f := range p.own {
		f.Close()
	}
	c.update()
}

// Resize gives the console the peer's window size, if that has changed.
func (c *Console) Resize() {
	p := c.peer
	if p == nil || p.In < 0 {
		return
	}
	size, err := unix.IoctlGetWinsize(p.In, unix.TIOCGWINSZ)
	// A new pty has no size until its user gives it one.
	if err != nil || *size == p.size || size.Row == 0 && size.Col == 0 {
		return
	}
	p.size = *size
	unix.IoctlSetWinsize(c.ptx, unix.TIOCSWINSZ, size)
}

// peerReady serves the peer, where In and Out are one, or its In.
func (c *Console) peerReady(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		c.outReady(events)
	}
	if c.peer != nil && events&^unix.EPOLLOUT != 0 {
		c.listen()
	}
	c.update()
}

// outReady serves the peer's Out.
func (c *Console) outReady(uint32) {
	if c.peer != nil && c.peer.flush(false) != nil {
		c.Disconnect()
	}
	c.update()
}

// listen takes what was typed. A peer that has hung up is disconnected; to one
// whose input merely ends, a pipe, output goes on.
func (c *Console) listen() {
	p := c.peer
	var b [chunk]byte
	n, err := sys.RetryInt(func() (int, error) { return unix.Read(p.In, b[:]) })
	switch {
	case err == unix.EAGAIN:
	case err != nil, n == 0 && p.In == p.Out:
		c.Disconnect()
	case n == 0:
		c.forget(p.In)
		p.In = -1
	default:
		p.Ahead.Mend(b[:n])
		c.Resize()
		c.enter(b[:n])
	}
}
