package command

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A TTY is a terminal of the container, taken until Close.
type TTY struct {
	Number int      // 0 is the console
	Ptx    *os.File // the far end of its pty
	conn   *os.File // tells the monitor, by its end, that the tty is free again
}

// TTY takes tty number n: 0 for the console, -1 for the first free one. The
// errno is EBADF when there is no such tty or somebody has it.
func (c *Client) TTY(n int) (*TTY, error) {
	r, err := c.ask(question{number: GetTTYFD, word: uint64(n), keep: true})
	if err != nil {
		return nil, err
	}
	if len(r.files) == 0 {
		r.close()
		return nil, os.NewSyscallError(GetTTYFD.String(), unix.EBADF)
	}
	return &TTY{Number: int(int32(r.word)), Ptx: r.files[0], conn: r.conn}, nil
}

// Close gives the tty back.
func (t *TTY) Close() error { return errors.Join(t.Ptx.Close(), t.conn.Close()) }

// A Waiter is a state client: it waits for one of the states it was made for.
type Waiter struct {
	state   State
	conn    *os.File // nil when state is known
	message []byte   // as much of it as has arrived
}

// Wait registers for the states in want, from this call on: a change between
// the return of Wait and Waiter.Wait is not missed. A container that does not
// run gives ErrNotRunning.
func (c *Client) Wait(want Wants) (*Waiter, error) {
	r, err := c.ask(question{number: AddStateClient, payload: want.Append(nil), keep: true})
	if err != nil {
		return nil, err
	}
	if state := State(r.code); state < MaxState {
		r.close()
		return &Waiter{state: state}, nil
	}
	return &Waiter{conn: r.conn}, nil
}

// Wait blocks until the container is in one of the states, or its monitor is
// gone, which is Stopped. timeout 0 does not wait, a negative one does so for
// ever; os.ErrDeadlineExceeded says that it is over. It may be called again
// after that.
func (w *Waiter) Wait(timeout time.Duration) (State, error) {
	if w.conn == nil {
		return w.state, nil
	}
	var deadline time.Time
	if timeout >= 0 {
		// The past would not even look.
		deadline = time.Now().Add(max(timeout, time.Millisecond))
	}
	w.conn.SetReadDeadline(deadline)
	for {
		err := w.receive()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET):
			return w.done(Stopped), nil
		case err != nil:
			return 0, err
		}
		m, err := ParseMessage(w.message)
		w.message = w.message[:0]
		if err == nil && m.Type == StateMessage {
			return w.done(State(m.Value)), nil
		}
	}
}

// receive completes message.
func (w *Waiter) receive() error {
	for len(w.message) < MessageSize {
		var b [MessageSize]byte
		n, err := w.conn.Read(b[:MessageSize-len(w.message)])
		w.message = append(w.message, b[:n]...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Waiter) done(s State) State {
	w.Close()
	w.state, w.conn = s, nil
	return s
}

// Close ends the registration.
func (w *Waiter) Close() error {
	if w.conn == nil {
		return nil
	}
	return w.conn.Close()
}

// CgroupFD gives the container's directory in the hierarchy of a controller,
// and what that hierarchy is. An empty controller is the unified hierarchy.
func (c *Client) CgroupFD(controller string) (CgroupFD, *os.File, error) {
	return c.cgroupFD(GetCgroupFD, controller)
}

// LimitCgroupFD is CgroupFD for the directory that limits are written to.
func (c *Client) LimitCgroupFD(controller string) (CgroupFD, *os.File, error) {
	return c.cgroupFD(GetLimitCgroupFD, controller)
}

func (c *Client) cgroupFD(n Number, controller string) (CgroupFD, *os.File, error) {
	request := CgroupFD{FD: -int32(unix.EBADF), Controller: controller}
	r, err := c.ask(question{number: n, payload: request.Append(nil)})
	if err != nil {
		return CgroupFD{}, nil, err
	}
	got, err := ParseCgroupFD(r.data)
	if err == nil && len(r.files) == 0 {
		err = unix.EBADF
	}
	if err != nil {
		closeFiles(r.files)
		return CgroupFD{}, nil, os.NewSyscallError(n.String(), err)
	}
	got.FD = int32(r.files[0].Fd())
	return got, r.files[0], nil
}

// CgroupCtx gives the container's directories in all hierarchies.
func (c *Client) CgroupCtx() (CgroupCtx, []*os.File, error) {
	r, err := c.ask(question{number: GetCgroupCtx, payload: make([]byte, cgroupCtxSize)})
	if err != nil {
		return CgroupCtx{}, nil, err
	}
	got, err := ParseCgroupCtx(r.data)
	if err == nil && len(got.FDs) != len(r.files) {
		err = ErrMalformed
	}
	if err != nil {
		closeFiles(r.files)
		return CgroupCtx{}, nil, os.NewSyscallError(GetCgroupCtx.String(), err)
	}
	for i, f := range r.files {
		got.FDs[i] = int32(f.Fd())
	}
	return got, r.files, nil
}

// AddSeccompListener gives the monitor the notify descriptor of a filter that
// a process which has joined the container installed.
func (c *Client) AddSeccompListener(fd int) error {
	_, err := c.ask(question{number: SeccompNotifyAddListener, rights: []int{fd}})
	return err
}
