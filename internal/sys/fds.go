package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// maxFDs is the kernel's limit of descriptors in one message (SCM_MAX_FD).
const maxFDs = 253

// Send writes data with descriptors riding on it (unix(7), SCM_RIGHTS). The
// descriptors stay open here.
func Send(socket int, data []byte, fds ...int) error {
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return Retry(func() error { return unix.Sendmsg(socket, data, rights, nil, unix.MSG_NOSIGNAL) })
}

// Receive reads one message into data and the descriptors that ride on it,
// which the caller owns; they are close-on-exec. n is 0 at the end of file.
func Receive(socket int, data []byte) (n int, fds []int, err error) {
	oob := make([]byte, unix.CmsgSpace(4*maxFDs))
	var oobn int
	err = Retry(func() (err error) {
		n, oobn, _, _, err = unix.Recvmsg(socket, data, oob, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return 0, nil, CallError("recvmsg", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return n, nil, err
	}
	for i := range messages {
		if got, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return n, fds, nil
}

// NextLen waits for the next message of a SOCK_SEQPACKET socket and gives its
// length in bytes; 0 is the end of file.
func NextLen(socket int) (int, error) {
	n, err := RetryInt(func() (int, error) {
		n, _, err := unix.Recvfrom(socket, nil, unix.MSG_PEEK|unix.MSG_TRUNC)
		return n, err
	})
	return n, CallError("recvmsg", err)
}

// CloseAll closes descriptors.
func CloseAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// SocketPair gives two connected sockets of type SOCK_SEQPACKET, close-on-exec.
func SocketPair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, CallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "socketpair"), os.NewFile(uintptr(fds[1]), "socketpair"), nil
}

// MemFD gives an empty memory file that can be sealed, close-on-exec.
func MemFD(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, CallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Seal makes a memory file unchangeable for good (F_ADD_SEALS of fcntl(2)).
func Seal(f *os.File) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	return PathError("seal", f.Name(), err)
}
