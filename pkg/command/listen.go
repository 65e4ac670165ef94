package command

import (
	"errors"
	"os"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// ErrInUse means that the container has a monitor already.
var ErrInUse = errors.New("already running")

// backlog is LXC's.
const backlog = 100

// Listen reserves the container by binding its command socket. The error is
// ErrInUse when another process has it: of two racing starts one wins. The
// kernel frees the name with the last descriptor.
func Listen(lxcpath, name string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, sys.CallError("socket", err)
	}
	address := "@" + Address(lxcpath, name)
	// The name is not padded: its length is part of it (unix(7)).
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: address})
	if err == unix.EADDRINUSE {
		err = ErrInUse
	} else if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return nil, sys.PathError("bind", address, err)
	}
	return os.NewFile(uintptr(fd), address), nil
}

// maxStrangers is how many connections of users who may ask nothing are open
// at once. Anybody on the host can connect, since an abstract name has no
// permissions.
const maxStrangers = 16

// A Server accepts connections without ever blocking. It belongs to one
// goroutine, as do its Conns.
type Server struct {
	FD        int // the listening socket, to be watched for reading
	uid, gid  uint32
	strangers int
	spare     int // given up to accept, and close, one connection too many
}

// NewServer takes over a socket made by Listen.
func NewServer(listener int) (*Server, error) {
	if err := unix.SetNonblock(listener, true); err != nil {
		return nil, sys.CallError("fcntl", err)
	}
	s := &Server{FD: listener, uid: uint32(os.Getuid()), gid: uint32(os.Getgid())}
	s.reserve()
	return s, nil
}

func (s *Server) reserve() {
	s.spare, _ = unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
}

// Accept gives the next connection; nil when there is none, or one that is not
// let in: others on the loop have their turn before the next.
func (s *Server) Accept() (*Conn, error) {
	for {
		fd, err := sys.Accept(s.FD, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		switch err {
		case nil:
		case unix.EINTR, unix.ECONNABORTED:
			continue
		case unix.EAGAIN:
			return nil, nil
		case unix.EMFILE, unix.ENFILE:
			if s.spare < 0 {
				return nil, sys.CallError("accept4", err)
			}
			// Left in the queue it would wake the loop for ever. With nobody there
			// the error is the same.
			unix.Close(s.spare)
			if fd, err := sys.Accept(s.FD, unix.SOCK_CLOEXEC); err == nil {
				unix.Close(fd)
			}
			s.reserve()
			return nil, nil
		default:
			return nil, sys.CallError("accept4", err)
		}
		return s.admit(fd), nil
	}
}

// admit makes a Conn of an accepted socket, unless it is of one stranger too
// many. Whether a request is allowed is decided by the credentials it carries.
func (s *Server) admit(fd int) *Conn {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	stranger := err != nil || !s.allows(*peer)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil || stranger && s.strangers == maxStrangers {
		unix.Close(fd)
		return nil
	}
	if stranger {
		s.strangers++
	}
	return &Conn{server: s, fd: fd, stranger: stranger}
}

// allows: root and the container's own user may ask.
func (s *Server) allows(peer unix.Ucred) bool {
	return peer.Uid == 0 || peer.Uid == s.uid && peer.Gid == s.gid
}

// Close closes the listening socket: from now on the container is stopped for
// everybody who asks. Connections stay.
func (s *Server) Close() {
	unix.Close(s.FD)
	if s.spare >= 0 {
		unix.Close(s.spare)
	}
}
