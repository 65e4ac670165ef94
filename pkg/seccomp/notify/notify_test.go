package notify

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"gantry/internal/sys"
	"gantry/pkg/seccomp"
	"golang.org/x/sys/unix"
)

// TestMain is also the confined child: it loads a filter that notifies of
// mkdirat, says the number of its listener, and makes directories it is told of.
func TestMain(m *testing.M) {
	if os.Getenv("NOTIFY_TEST") == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	policy, _ := seccomp.Parse("p", []byte("2\ndenylist\nmkdirat notify\n"))
	program, _ := policy.Compile(runtime.GOARCH, nil)
	fprog := unix.SockFprog{Len: uint16(len(program.Filter)), Filter: &program.Filter[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(program.Flags()), uintptr(unsafe.Pointer(&fprog)))
	fmt.Println(fd, int(errno))
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		err := unix.Mkdirat(unix.AT_FDCWD, in.Text(), 0o700)
		errno, _ := err.(unix.Errno)
		fmt.Println(int(errno))
	}
	os.Exit(0)
}

// caller is the confined child as the test sees it.
type caller struct {
	pid, listener int
	in            io.WriteCloser
	out           *bufio.Reader
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "NOTIFY_TEST=1")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &caller{pid: cmd.Process.Pid, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var fd, errno int
	if _, err := fmt.Fscanln(c.out, &fd, &errno); err != nil || errno != 0 {
		t.Fatalf("load: %v, errno %d", err, errno)
	}
	pidfd, err := unix.PidfdOpen(c.pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	if c.listener, err = unix.PidfdGetfd(pidfd, fd, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(c.listener) })
	return c
}

// mkdir lets the child make a directory and p serve the call; it gives the
// errno the child got.
func (c *caller) mkdir(t *testing.T, p *Proxy, path string) (errno int, err error) {
	t.Helper()
	fmt.Fprintln(c.in, path)
	gone, err := p.Serve(c.listener)
	if gone {
		t.Fatal("Serve says that the child is gone")
	}
	if _, e := fmt.Fscanln(c.out, &errno); e != nil {
		t.Fatal(e)
	}
	return errno, err
}

// listen makes the proxy's socket.
func listen(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 5); err != nil {
		t.Fatal(err)
	}
	return fd
}

// decide takes one connection and answers each request with the errno that
// the last component of the path is the number of; "hang up" ends it.
func decide(t *testing.T, listener int) {
	conn, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return
	}
	defer unix.Close(conn)
	for {
		b := make([]byte, 4096)
		n, fds, err := sys.Receive(conn, b)
		if err != nil || n == 0 {
			return
		}
		le := binary.LittleEndian
		if len(fds) != 3 || n != 32+80+24+len("cookie") || le.Uint64(b) != 0 || int(le.Uint32(b[8:])) != os.Getpid() || le.Uint32(b[12:]) != 4711 ||
			le.Uint16(b[16:]) != 80 || le.Uint16(b[18:]) != 24 || le.Uint16(b[20:]) != 64 || le.Uint64(b[24:]) != 6 || string(b[n-6:n]) != "cookie" {
			t.Errorf("message of %d bytes with %d files: % x", n, len(fds), b[:n])
			return
		}
		path := make([]byte, 200)
		if _, err := unix.Pread(fds[1], path, int64(le.Uint64(b[32+16+16+8:]))); err != nil {
			t.Errorf("reading the caller's memory: %v", err)
		}
		name, _, _ := strings.Cut(string(path), "\x00")
		status, err := unix.Openat(fds[0], "status", unix.O_RDONLY, 0)
		if err != nil {
			t.Errorf("the second file is not the caller's directory in /proc: %v", err)
		}
		unix.Close(status)
		sys.CloseAll(fds)
		var errno int32
		if fmt.Sscanf(filepath.Base(name), "%d", &errno); filepath.Base(name) == "hang up" {
			return
		}
		reply := b[32+80 : 32+80+24]
		if le.Uint64(reply) != le.Uint64(b[32:]) {
			t.Errorf("the answer's id is not the request's")
		}
		le.PutUint32(reply[16:], uint32(-errno))
		if filepath.Base(name) == "short" {
			n = 50
		}
		if err := sys.Send(conn, b[:n-6]); err != nil {
			t.Error(err)
		}
	}
}

func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proxy")
	socket := listen(t, path)
	done := make(chan bool)
	go func() {
		for range 3 {
			decide(t, socket)
		}
		close(done)
	}()
	p, err := Dial("unix:"+path, "cookie", 4711)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := newCaller(t)
	for _, x := range []struct {
		path string
		want unix.Errno
		ok   bool
	}{
		{"/a/17", 17, true}, {"/a/0", 0, true}, {"/hang up", unix.ENOSYS, false}, {"/a/18", 18, true}, {"/short", unix.ENOSYS, false}, {"/a/19", 19, true},
	} {
		if got, err := c.mkdir(t, p, x.path); got != int(x.want) || (err == nil) != x.ok {
			t.Errorf("mkdir %s: errno %d, Serve = %v; want %d, ok %t", x.path, got, err, x.want, x.ok)
		}
	}
	p.Close()
	<-done
	unix.Close(socket)
	if got, err := c.mkdir(t, p, "/a/20"); got != int(unix.ENOSYS) || err == nil || !strings.Contains(err.Error(), "connect") {
		t.Errorf("without a proxy: errno %d, Serve = %v; want ENOSYS and the cause", got, err)
	}
	c.in.Close()
	io.Copy(io.Discard, c.out)
	fds := []unix.PollFd{{Fd: int32(c.listener), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, 5000); err != nil || fds[0].Revents&unix.POLLHUP == 0 {
		t.Errorf("poll after the end = %v, %#x; want POLLHUP", err, fds[0].Revents)
	}
}

func TestDialRefuses(t *testing.T) {
	for _, address := range []string{"", "unix:", "unix:/", "unix:x", "/run/x", "tcp:1", "unix:/nonexistent/x", "unix:@gantry-test-nobody-listens"} {
		if p, err := Dial(address, "", 1); err == nil {
			p.Close()
			t.Errorf("Dial(%q) = nil; want an error", address)
		}
	}
}

// The shim links this package.
func TestLinksLittle(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"fmt", "net", "os/exec", "log", "bufio", "context"} {
		if strings.Contains("\n"+string(out), "\n"+bad+"\n") {
			t.Errorf("the package imports %s", bad)
		}
	}
}
