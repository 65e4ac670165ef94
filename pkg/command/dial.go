package command

import (
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// ErrNotRunning means that nobody answers for the container: it is stopped,
// was never started, or its monitor has died.
var ErrNotRunning = errors.New("not running")

// A reply is the answer to one request.
type reply struct {
	header
	data  []byte
	files []*os.File
	conn  *os.File // open until close
}

// close ends the connection; the files stay.
func (r *reply) close() { r.conn.Close() }

// A question is one request, as the client sends it.
type question struct {
	number  Number
	word    uint64 // the header's data, without payload
	payload []byte
	rights  []int // descriptors in a message of their own behind it
	keep    bool  // the connection stays open in the reply
}

// ask sends a request and waits for its answer. A negative ret is an error
// `NAME: errno`.
func (c *Client) ask(q question) (*reply, error) {
	conn, err := c.dial()
	if err != nil {
		return nil, gone(q.number, err)
	}
	if c.Timeout > 0 {
		conn.SetDeadline(time.Now().Add(c.Timeout))
	}
	r := &reply{conn: conn}
	if err = q.send(conn); err == nil {
		err = r.read(q.number)
	}
	err = gone(q.number, err)
	if err == nil && r.code < 0 {
		err = os.NewSyscallError(q.number.String(), unix.Errno(-r.code))
	}
	if err != nil {
		closeFiles(r.files)
		conn.Close()
		return nil, err
	}
	if q.keep {
		conn.SetDeadline(time.Time{})
	} else {
		r.close()
	}
	return r, nil
}

// gone turns the errors of a monitor that is not there into ErrNotRunning.
func gone(n Number, err error) error {
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ECONNRESET),
		errors.Is(err, unix.EPIPE), errors.Is(err, io.EOF):
		return ErrNotRunning
	case err == nil:
		return nil
	}
	return os.NewSyscallError(n.String(), err)
}

// dial connects. The socket is non-blocking: the deadlines of os.File work.
func (c *Client) dial() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if c.Timeout > 0 {
		// A full backlog makes connect wait for as long as a send would.
		timeout := unix.NsecToTimeval(c.Timeout.Nanoseconds())
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout)
	}
	err = sys.Retry(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + c.Address}) })
	if err == unix.EAGAIN {
		err = os.ErrDeadlineExceeded
	}
	if err == nil {
		err = c.trust(fd)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "@"+c.Address), nil
}

// trust refuses a stranger's socket. Anybody on the host can bind the name of a
// container that does not run, root of a container without a network of its own
// too, and would be asked for pidfds, terminals and cgroups to act upon. A
// monitor is root's, the caller's, or of the user the containers belong to.
func (c *Client) trust(fd int) error {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED) // of listen(2)
	if err != nil {
		return sys.CallError("getsockopt", err)
	}
	if peer.Uid == 0 || int(peer.Uid) == os.Geteuid() {
		return nil
	}
	var dir unix.Stat_t
	if unix.Stat(c.Dir, &dir) == nil && dir.Uid == peer.Uid {
		return nil
	}
	return errors.New("the command socket belongs to process " + strconv.Itoa(int(peer.Pid)) + " of user " +
		strconv.Itoa(int(peer.Uid)) + ", who has no containers in " + c.Dir)
}

// send writes header and payload in one message, with the credentials of this
// process on it.
func (q *question) send(conn *os.File) error {
	message := header{code: int32(q.number), size: int32(len(q.payload)), word: q.word}.append(nil)
	message = append(message, q.payload...)
	me := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())})
	sent, err := sendmsg(conn, message, me)
	if err == nil && sent < len(message) {
		_, err = conn.Write(message[sent:])
	}
	if err == nil && q.rights != nil {
		_, err = sendmsg(conn, []byte{0}, unix.UnixRights(q.rights...))
	}
	return err
}

// sendmsg waits until the socket takes some of message, and control with it.
func sendmsg(conn *os.File, message, control []byte) (sent int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	late := raw.Write(func(fd uintptr) bool {
		sent, err = sys.RetryInt(func() (int, error) {
			return unix.SendmsgN(int(fd), message, control, nil, unix.MSG_NOSIGNAL)
		})
		return err != unix.EAGAIN
	})
	if late != nil {
		return 0, late
	}
	return sent, err
}

// read takes the response to a request of number n.
func (r *reply) read(n Number) error {
	var b [headerSize]byte
	var rights []int
	for have := 0; have < headerSize; {
		got, fds, err := recvmsg(r.conn, b[have:], unix.CmsgSpace(4*max(table[n].fds, 1)))
		rights = append(rights, fds...)
		if err == nil && got == 0 {
			err = io.EOF
		}
		if err != nil {
			sys.CloseAll(rights)
			return err
		}
		have += got
	}
	r.header = parseHeader(b[:])
	r.files = own(n, rights)
	if r.size == 0 {
		return nil
	}
	if r.size < 0 || r.size > maxPayload && table[n].response != bytes {
		return ErrMalformed
	}
	// A liar's size costs no memory: the buffer grows with what arrives.
	data, err := io.ReadAll(io.LimitReader(r.conn, int64(r.size)))
	if err == nil && len(data) < int(r.size) {
		err = io.ErrUnexpectedEOF
	}
	r.data = data
	return err
}

// own makes files of descriptors: of one where the request gives one, of all
// where it gives several. What is more than that is closed.
func own(n Number, fds []int) (files []*os.File) {
	for i, fd := range fds {
		if i >= table[n].fds {
			unix.Close(fd)
			continue
		}
		files = append(files, os.NewFile(uintptr(fd), n.String()))
	}
	return files
}

// recvmsg waits for bytes, and takes descriptors as far as they fit into a
// control message of oobSize.
func recvmsg(conn *os.File, b []byte, oobSize int) (n int, fds []int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, nil, err
	}
	oob := make([]byte, oobSize)
	var oobn int
	late := raw.Read(func(fd uintptr) bool {
		err = sys.Retry(func() (err error) {
			n, oobn, _, _, err = unix.Recvmsg(int(fd), b, oob, unix.MSG_CMSG_CLOEXEC)
			return err
		})
		return err != unix.EAGAIN
	})
	if late != nil {
		err = late
	}
	if err != nil {
		return 0, nil, err
	}
	return n, rights(oob[:oobn]), nil
}

// rights gives the descriptors in a control message.
func rights(oob []byte) (fds []int) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range messages {
		if got, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
