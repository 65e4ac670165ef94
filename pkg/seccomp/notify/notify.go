// Package notify hands system calls that a seccomp policy answers with "notify"
// to a program of the administrator's, which decides them
// (lxc.seccomp.notify.proxy), in LXC's protocol.
//
//	container's thread          monitor                             proxy (SOCK_SEQPACKET)
//	system call ──> listener ── header, notif, resp, cookie + 3 files ──>
//	            <── listener <── header, notif, resp ───────────────────
//
// Both ends are foreign: the container can have the thread killed at any time,
// the proxy may be slow, gone, or talk rubbish. So all of this waits on
// goroutines of its own, the proxy has 30 seconds for each step, and the thread
// gets ENOSYS when there is no answer.
//
// The shim links the package, so it does without fmt and net.
package notify

import (
	"errors"
	"sync"
	"unsafe"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// How long a proxy may take for one step, in milliseconds: LXC's 30 seconds, or
// what is left of them when Serve shall stop.
const (
	timeout   = 30_000
	remainder = 1_000
)

// A Proxy is the program that decides. Its methods may be called from several
// goroutines; one question is asked at a time.
type Proxy struct {
	monitor, init int
	address       unix.SockaddrUnix
	cookie        string
	sizes         sizes
	timeout       int

	mu     sync.Mutex
	socket int // -1: not connected
}

// New gives the proxy at address, /PATH or @NAME. It is not connected yet.
// Messages carry the cookie.
func New(address, cookie string) (*Proxy, error) {
	p := &Proxy{cookie: cookie, timeout: timeout, socket: -1}
	p.address.Name = address
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&p.sizes))); errno != 0 {
		return nil, sys.CallError("seccomp SECCOMP_GET_NOTIF_SIZES", errno)
	}
	return p, nil
}

// About says whose calls these are, before the first Serve: messages carry the
// pids of the container's monitor and init.
func (p *Proxy) About(monitor, init int) { p.monitor, p.init = monitor, init }

// Connect connects to the proxy, anew if it was connected before.
func (p *Proxy) Connect() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connect()
}

// Use takes over the connection of another Proxy.
func (p *Proxy) Use(socket int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
	p.socket = socket
}

// Release gives the connection away; -1 when there is none.
func (p *Proxy) Release() (socket int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	socket, p.socket = p.socket, -1
	return socket
}

// Close ends the connection.
func (p *Proxy) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
}

func (p *Proxy) close() {
	if p.socket >= 0 {
		unix.Close(p.socket)
	}
	p.socket = -1
}

func (p *Proxy) connect() error {
	p.close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return sys.CallError("socket", err)
	}
	// The limit for sending holds for connecting, too.
	limit := unix.NsecToTimeval(int64(p.timeout) * 1e6)
	if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err == nil {
		err = sys.Retry(func() error { return unix.Connect(fd, &p.address) })
	}
	if err != nil {
		unix.Close(fd)
		return sys.PathError("connect", p.address.Name, err)
	}
	p.socket = fd
	return nil
}

// ask sends a message with files, and waits for size bytes of an answer. It
// connects if need be, and once more if the proxy has gone since. After any
// failure the connection is given up: what comes next on it could be the late
// answer to this question.
func (p *Proxy) ask(message []byte, size, stop int, files ...int) (answer []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.socket < 0 || sys.Send(p.socket, message, files...) != nil {
		if err := p.connect(); err != nil {
			return nil, err
		}
		err = sys.CallError("send to the proxy", sys.Send(p.socket, message, files...))
	}
	if err == nil {
		err = p.await(stop)
	}
	if err == nil {
		answer, err = p.receive(size)
	}
	if err != nil {
		p.close()
	}
	return answer, err
}

// await waits until there is an answer, or the end of the connection.
func (p *Proxy) await(stop int) error {
	watched := []unix.PollFd{{Fd: int32(p.socket), Events: unix.POLLIN}, {Fd: int32(stop), Events: unix.POLLIN}}
	n, err := poll(watched, p.timeout)
	if err == nil && n > 0 && watched[0].Revents == 0 {
		n, err = poll(watched[:1], min(p.timeout, remainder))
	}
	if err == nil && n == 0 {
		err = errors.New("the proxy does not answer")
	}
	return err
}

func (p *Proxy) receive(size int) ([]byte, error) {
	answer := make([]byte, size+1)
	n, files, err := sys.Receive(p.socket, answer)
	sys.CloseAll(files)
	switch {
	case err != nil:
		return nil, sys.CallError("receive from the proxy", err)
	case n == 0:
		return nil, errors.New("the proxy has ended the connection")
	case n != size:
		return nil, errors.New("the proxy's answer has not the form of one")
	}
	return answer[:size], nil
}

func poll(fds []unix.PollFd, milliseconds int) (ready int, err error) {
	ready, err = sys.RetryInt(func() (int, error) { return unix.Poll(fds, milliseconds) })
	return ready, sys.CallError("poll", err)
}
