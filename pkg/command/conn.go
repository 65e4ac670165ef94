package command

import (
	"errors"
	"io"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// ErrDenied means that the client may not ask; it has been told so.
var ErrDenied = errors.New("permission denied")

// A Conn is one client's connection, for an event loop: no method blocks, and
// a client can make it hold no more than one request and one response.
//
//	readable:  request, done, err := conn.Receive()
//	           err:  conn.Close()
//	           done: conn.Reply(response, fds...), then conn.Close()
//	                 unless the request keeps it or conn.Pending()
//	writable, watched for while Pending: conn.Flush()
type Conn struct {
	server   *Server
	fd       int
	stranger bool
	header   [headerSize]byte
	have     int // bytes of header and payload that have arrived
	request  Request
	allowed  bool   // its credentials do
	out      []byte // of the response, what the socket did not take yet
}

// FD gives the socket, to be watched.
func (c *Conn) FD() int { return c.fd }

// Receive takes what has arrived. done says that a request is complete.
//
// After an error the connection is of no use: io.EOF at its end, ErrMalformed
// or an errno. Requests that are not allowed (-EPERM), unknown (-ENOSYS) or
// ill-formed (-EINVAL) have been answered by then.
func (c *Conn) Receive() (request Request, done bool, err error) {
	if c.Pending() {
		return Request{}, false, nil // first things first
	}
	if done, err = c.fill(); !done || err != nil {
		return Request{}, false, err
	}
	request = c.request
	c.have, c.request = 0, Request{}
	switch {
	case !c.allowed:
		return c.refuse(request, unix.EPERM, ErrDenied)
	case !request.Number.Known():
		return c.refuse(request, unix.ENOSYS, unix.ENOSYS)
	case request.check() != nil:
		return c.refuse(request, unix.EINVAL, ErrMalformed)
	}
	return request, true, nil
}

func (c *Conn) refuse(r Request, answer unix.Errno, err error) (Request, bool, error) {
	if r.FD >= 0 {
		unix.Close(r.FD)
	}
	c.Reply(Fail(answer))
	return Request{}, false, err
}

// fill reads on until the request is complete.
func (c *Conn) fill() (done bool, err error) {
	for c.have < headerSize {
		if more, err := c.read(c.header[c.have:]); !more {
			return false, err
		}
		if c.have == headerSize {
			if err := c.begin(); err != nil {
				return false, err
			}
		}
	}
	for payload := c.request.Payload; c.have < headerSize+len(payload); {
		if more, err := c.read(payload[c.have-headerSize:]); !more {
			return false, err
		}
	}
	if c.request.Number == SeccompNotifyAddListener && c.allowed {
		return c.listener()
	}
	return true, nil
}

// begin looks at a complete header.
func (c *Conn) begin() error {
	h := parseHeader(c.header[:])
	if h.size < 0 || h.size > maxPayload {
		return ErrMalformed
	}
	c.request.Number, c.request.Word, c.request.FD = Number(h.code), h.word, -1
	if h.size > 0 {
		c.request.Payload = make([]byte, h.size)
	}
	return nil
}

// read takes bytes into b, and the credentials that ride on them. more is
// false when nothing has come, err then says why, if not for want of data.
//
// The control buffer has room for credentials alone: the kernel drops
// descriptors that nobody asked for.
func (c *Conn) read(b []byte) (more bool, err error) {
	var oob [32]byte // CMSG_SPACE(sizeof(struct ucred))
	n, oobn, err := c.recvmsg(b, oob[:])
	switch {
	case err == unix.EAGAIN:
		return false, nil
	case err != nil:
		return false, sys.CallError("recvmsg", err)
	case n == 0 && c.have == 0:
		return false, io.EOF
	case n == 0:
		return false, io.ErrUnexpectedEOF
	}
	if c.have == 0 {
		c.allowed = false
		if peer, known := sys.Credentials(oob[:oobn]); known {
			c.allowed, c.request.PID = c.server.allows(peer), peer.Pid
		}
	}
	c.have += n
	return true, nil
}

func (c *Conn) recvmsg(b, oob []byte) (n, oobn int, err error) {
	for {
		n, oobn, err = sys.Recvmsg(c.fd, b, oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			return n, oobn, err
		}
	}
}

// listener takes the descriptor that follows in a message of its own.
func (c *Conn) listener() (done bool, err error) {
	var b [1]byte
	var oob [32 + 24]byte // credentials and CMSG_SPACE(sizeof(int))
	_, oobn, err := c.recvmsg(b[:], oob[:])
	if err == unix.EAGAIN {
		return false, nil
	}
	if err != nil {
		return false, sys.CallError("recvmsg", err)
	}
	fds := rights(oob[:oobn])
	if len(fds) != 1 {
		sys.CloseAll(fds) // the alignment of the buffer lets a second one in
		return false, ErrMalformed
	}
	c.request.FD = fds[0]
	return true, nil
}

// Reply sends a response with descriptors riding on its header; they stay open
// here. What does not fit into the socket now waits for Flush.
func (c *Conn) Reply(r Response, fds ...int) error {
	b := header{code: r.Ret, size: int32(len(r.Data)), word: r.Word}.append(nil)
	return c.write(append(b, r.Data...), fds)
}

// Notify sends the state of a container to a state client.
func (c *Conn) Notify(name string, s State) error {
	return c.write(Message{Type: StateMessage, Name: name, Value: int32(s)}.Append(nil), nil)
}

func (c *Conn) write(b []byte, fds []int) error {
	if c.Pending() {
		return unix.EAGAIN
	}
	var control []byte
	if len(fds) > 0 {
		control = unix.UnixRights(fds...)
	}
	n, err := sys.RetryInt(func() (int, error) {
		return unix.SendmsgN(c.fd, b, control, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	})
	if err == unix.EAGAIN && control == nil {
		n, err = 0, nil
	}
	if err != nil {
		return sys.CallError("sendmsg", err)
	}
	if n < len(b) {
		c.out = b[n:]
	}
	return nil
}

// Pending says that part of the response still waits to be sent.
func (c *Conn) Pending() bool { return len(c.out) > 0 }

// Flush sends more of it. An error, which a slow client is not, means that
// the client is gone.
func (c *Conn) Flush() error {
	b := c.out
	c.out = nil
	if len(b) == 0 {
		return nil
	}
	return c.write(b, nil)
}

// Close ends the connection.
func (c *Conn) Close() {
	if c.fd < 0 {
		return
	}
	unix.Close(c.fd)
	c.fd = -1
	if c.stranger {
		c.server.strangers--
	}
}
