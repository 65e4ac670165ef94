// Package notify hands system calls that a seccomp policy answers with "notify"
// to LXC's proxy protocol: a program of the administrator's that decides them
// (lxc.seccomp.notify.proxy).
//
//	container's thread          shim                                proxy (SOCK_SEQPACKET)
//	system call ──> listener ── header, notif, resp, cookie + 3 files ──>
//	            <── listener <── header, notif, resp ───────────────────
//
// The shim links the package, so it does without fmt and net.
package notify

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// timeout is how long a proxy may take for one step, in seconds; the thread
// that made the call waits as long.
const timeout = 30

// header begins every message; struct seccomp_notify_proxy_msg of LXC.
type header struct {
	_          uint64
	monitorPid int32
	initPid    int32
	notif      uint16 // sizes of the kernel's structures (SECCOMP_GET_NOTIF_SIZES)
	resp       uint16
	data       uint16
	_          uint16
	cookieLen  uint64
}

// The beginnings of the kernel's structures: they may grow at the end.
type notif struct {
	id  uint64
	pid uint32
}

type resp struct {
	id  uint64
	_   int64 // what the call returns
	err int32 // or this, negative
	_   uint32
}

// A Proxy is the program that decides.
type Proxy struct {
	address unix.Sockaddr
	cookie  string
	init    int
	socket  int // -1: not connected
	sizes   [3]uint16
}

// Dial connects to the proxy at address, the value of
// lxc.seccomp.notify.proxy: unix:/PATH or unix:@NAME. Messages carry cookie and
// the pid of the container's init.
func Dial(address, cookie string, init int) (*Proxy, error) {
	name, ok := strings.CutPrefix(address, "unix:")
	if !ok || len(name) < 2 || name[0] != '/' && name[0] != '@' {
		return nil, errors.New(strconv.Quote(address) + " is no address of a proxy (unix:/PATH or unix:@NAME)")
	}
	p := &Proxy{address: &unix.SockaddrUnix{Name: name}, cookie: cookie, init: init, socket: -1}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&p.sizes))); errno != 0 {
		return nil, sys.CallError("seccomp SECCOMP_GET_NOTIF_SIZES", errno)
	}
	if err := p.connect(); err != nil {
		return nil, sys.PathError("connect", name, err)
	}
	return p, nil
}

// Close ends the connection.
func (p *Proxy) Close() {
	if p.socket >= 0 {
		unix.Close(p.socket)
	}
	p.socket = -1
}

func (p *Proxy) connect() error {
	p.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	limit := unix.Timeval{Sec: timeout}
	for _, option := range []int{unix.SO_SNDTIMEO, unix.SO_RCVTIMEO} {
		if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &limit); err != nil {
			break
		}
	}
	if err == nil {
		err = sys.Retry(func() error { return unix.Connect(fd, p.address) })
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	p.socket = fd
	return nil
}

// Serve takes one call from the listener and answers it as the proxy says. If
// the proxy does not, even after a second connection, the call fails with
// ENOSYS, and the error says why. gone means that nobody is left under the
// filter: the listener is to be closed.
func (p *Proxy) Serve(listener int) (gone bool, err error) {
	request := make([]byte, p.sizes[0])
	switch err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, request); err {
	case nil:
	case unix.ENOENT, unix.EINTR, unix.EAGAIN:
		return false, nil // the thread was killed meanwhile
	default:
		return true, nil
	}
	answer, err := p.ask(listener, request)
	if err != nil {
		answer = make([]byte, p.sizes[1])
		*at[resp](answer) = resp{id: at[notif](request).id, err: -int32(unix.ENOSYS)}
	}
	// ENOENT: the thread did not live to hear the answer.
	if failed := control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, answer); failed != nil && failed != unix.ENOENT {
		err = errors.Join(err, sys.CallError("ioctl SECCOMP_IOCTL_NOTIF_SEND", failed))
	}
	return false, err
}

// ask sends the request with what the proxy needs to look at the caller, and
// waits for the answer.
func (p *Proxy) ask(listener int, request []byte) ([]byte, error) {
	directory := "/proc/" + strconv.FormatUint(uint64(at[notif](request).pid), 10)
	dir, err := open(directory, unix.O_DIRECTORY|unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	mem, err := open(directory+"/mem", unix.O_RDWR)
	if err != nil {
		return nil, err
	}
	defer unix.Close(mem)
	// Only now is it sure that the pid was still the caller's when it was opened.
	id := at[notif](request).id
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_ID_VALID, uintptr(unsafe.Pointer(&id))); errno != 0 {
		return nil, sys.CallError("ioctl SECCOMP_IOCTL_NOTIF_ID_VALID", errno)
	}
	message := p.message(request)
	fds := []int{dir, mem, listener}
	if p.socket < 0 || sys.Send(p.socket, message, fds...) != nil {
		if err := p.connect(); err != nil {
			return nil, sys.CallError("connect to the seccomp proxy", err)
		}
		if err := sys.Send(p.socket, message, fds...); err != nil {
			return nil, sys.CallError("send to the seccomp proxy", err)
		}
	}
	return p.answer(id, len(message)-len(p.cookie))
}

// message gives header, request, an answer to be filled in, and cookie.
func (p *Proxy) message(request []byte) []byte {
	head := header{monitorPid: int32(os.Getpid()), initPid: int32(p.init),
		notif: p.sizes[0], resp: p.sizes[1], data: p.sizes[2], cookieLen: uint64(len(p.cookie))}
	reply := make([]byte, p.sizes[1])
	*at[resp](reply) = resp{id: at[notif](request).id, err: -int32(unix.ENOSYS)}
	b := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&head)), unsafe.Sizeof(head))...)
	return append(append(append(b, request...), reply...), p.cookie...)
}

// answer receives header, request and answer, size bytes, of which only the
// last counts. After an answer that does not fit the connection is given up:
// what comes next on it could belong to another call.
func (p *Proxy) answer(id uint64, size int) ([]byte, error) {
	b := make([]byte, size+1)
	n, fds, err := sys.Receive(p.socket, b)
	sys.CloseAll(fds)
	reply := b[size-int(p.sizes[1]) : size]
	if err == nil && (n != size || at[resp](reply).id != id) {
		err = errors.New("the seccomp proxy's answer is not one to the request")
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return reply, nil
}

func open(path string, flags int) (fd int, err error) {
	fd, err = sys.RetryInt(func() (int, error) { return unix.Open(path, flags|unix.O_CLOEXEC, 0) })
	return fd, sys.PathError("open", path, err)
}

// at looks at bytes as a structure of the kernel's; callers know the size.
func at[T any](b []byte) *T { return (*T)(unsafe.Pointer(&b[0])) }

// control is an ioctl with a structure.
func control(fd int, request uint, b []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&b[0])))
	if errno != 0 {
		return errno
	}
	return nil
}
