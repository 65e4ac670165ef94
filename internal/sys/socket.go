package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Accept takes the next connection of a listening socket. Unlike that of x/sys it
// does not ask for the address, and leaves no garbage: neither does Recvmsg.
func Accept(fd, flags int) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, uintptr(flags), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// Recvmsg reads into b, which is not empty, and what rides on it into oob.
func Recvmsg(fd int, b, oob []byte, flags int) (n, oobn int, err error) {
	iov := unix.Iovec{Base: unsafe.SliceData(b)}
	iov.SetLen(len(b))
	msg := unix.Msghdr{Iov: &iov, Iovlen: 1, Control: unsafe.SliceData(oob)}
	msg.SetControllen(len(oob))
	got, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
	if errno != 0 {
		return 0, 0, errno
	}
	return int(got), int(msg.Controllen), nil
}

// Credentials finds those of the sender at the beginning of what rode on a
// message; known says whether they are there.
func Credentials(oob []byte) (peer unix.Ucred, known bool) {
	var h unix.Cmsghdr
	at := unix.CmsgLen(0)
	if len(oob) < at+int(unsafe.Sizeof(peer)) {
		return peer, false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&h)), unsafe.Sizeof(h)), oob)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&peer)), unsafe.Sizeof(peer)), oob[at:])
	return peer, h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_CREDENTIALS
}
