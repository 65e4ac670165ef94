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

// mkdir lets the child make a directory and gives the errno it got.
func (c *caller) mkdir(t *testing.T, path string) (errno int) {
	t.Helper()
	fmt.Fprintln(c.in, path)
	if _, err := fmt.Fscanln(c.out, &errno); err != nil {
		t.Fatal(err)
	}
	return errno
}

// serve has p decide the child's calls; the lines it logs come out of the channel,
// which is closed at its end.
func (c *caller) serve(p *Proxy, stop int) <-chan string {
	listener, _ := unix.Dup(c.listener)
	lines := make(chan string, 100)
	go func() {
		p.Serve(listener, stop, func(parts ...string) { lines <- strings.Join(parts, "") })
		close(lines)
	}()
	return lines
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
		n -= len("cookie")
		switch filepath.Base(name) {
		case "short":
			n = 50
		case "long":
			n++
		case "other":
			le.PutUint64(reply, le.Uint64(reply)+1)
		case "contradiction": // an error, and the call shall go on
			le.PutUint32(reply[16:], 0xffffffff)
			le.PutUint32(reply[20:], unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		}
		if err := sys.Send(conn, b[:n]); err != nil {
			t.Error(err)
		}
	}
}

func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proxy")
	socket := listen(t, path)
	done := make(chan bool)
	go func() {
		for range 4 {
			decide(t, socket)
		}
		close(done)
	}()
	p, err := New(path, "cookie")
	if err != nil {
		t.Fatal(err)
	}
	p.About(os.Getpid(), 4711)
	if err := p.Connect(); err != nil {
		t.Fatal(err)
	}
	c := newCaller(t)
	lines := c.serve(p, -1)
	for _, x := range []struct {
		path string
		want unix.Errno
		why  string
	}{
		{"/a/17", 17, ""}, {"/a/0", 0, ""}, {"/hang up", unix.ENOSYS, "ended the connection"}, {"/a/18", 18, ""},
		{"/short", unix.ENOSYS, "not the form"}, {"/a/19", 19, ""}, {"/other", unix.ENOSYS, "another request"}, {"/a/20", 20, ""},
		{"/contradiction", unix.ENOSYS, "invalid argument"}, {"/a/21", 21, ""}, {"/long", unix.ENOSYS, "not the form"},
	} {
		if got := c.mkdir(t, x.path); got != int(x.want) {
			t.Errorf("mkdir %s: errno %d; want %d", x.path, got, x.want)
		}
		if x.why == "" {
			continue
		}
		if line := <-lines; !strings.Contains(line, x.why) {
			t.Errorf("mkdir %s: logged %q; want %q", x.path, line, x.why)
		}
	}
	<-done
	unix.Close(socket)
	if got, line := c.mkdir(t, "/a/22"), <-lines; got != int(unix.ENOSYS) || !strings.Contains(line, "connect "+path) {
		t.Errorf("without a proxy: errno %d, logged %q; want ENOSYS and the cause", got, line)
	}
	c.in.Close()
	io.Copy(io.Discard, c.out)
	if line, more := <-lines; more {
		t.Errorf("after the end of the caller: logged %q; want the end of Serve", line)
	}
}

// A proxy that does not answer makes calls fail, and only them.
func TestStuckProxy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proxy")
	listen(t, path) // and never accept
	p, err := New(path, "")
	if err != nil {
		t.Fatal(err)
	}
	p.timeout = 100
	c := newCaller(t)
	lines := c.serve(p, -1)
	for range 8 { // more than wait in its queue
		if got, line := c.mkdir(t, "/a/1"), <-lines; got != int(unix.ENOSYS) ||
			!strings.Contains(line, "does not answer") && !strings.Contains(line, "connect "+path) {
			t.Errorf("errno %d, logged %q; want ENOSYS and the cause", got, line)
		}
	}
}

// Serve can be stopped, between two calls or while the proxy thinks about one.
func TestStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proxy")
	socket := listen(t, path)
	p, err := New(path, "")
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t)
	r, w, _ := os.Pipe()
	defer r.Close()
	lines := c.serve(p, int(r.Fd()))
	fmt.Fprintln(c.in, "/a/1")
	conn, _, err := unix.Accept4(socket, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(conn)
	b := make([]byte, 4096)
	_, fds, err := sys.Receive(conn, b)
	if err != nil {
		t.Fatal(err)
	}
	sys.CloseAll(fds)
	w.Close()
	if line := <-lines; !strings.Contains(line, "does not answer") {
		t.Errorf("logged %q; want that the proxy does not answer", line)
	}
	if _, more := <-lines; more {
		t.Error("Serve goes on after its stop")
	}
	var errno int
	if fmt.Fscanln(c.out, &errno); errno != int(unix.ENOSYS) {
		t.Errorf("errno %d; want ENOSYS", errno)
	}
}

// A caller may be killed while the proxy thinks.
func TestKilledCaller(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proxy")
	socket := listen(t, path)
	p, err := New(path, "")
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t)
	lines := c.serve(p, -1)
	fmt.Fprintln(c.in, "/a/1")
	conn, _, err := unix.Accept4(socket, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(conn)
	b := make([]byte, 4096)
	n, fds, err := sys.Receive(conn, b)
	if err != nil {
		t.Fatal(err)
	}
	sys.CloseAll(fds)
	unix.Kill(c.pid, unix.SIGKILL)
	io.Copy(io.Discard, c.out)
	if err := sys.Send(conn, b[:n]); err != nil {
		t.Error(err)
	}
	if line, more := <-lines; more {
		t.Errorf("logged %q; want the end of Serve, and no complaint", line)
	}
}

// What is no listener ends Serve.
func TestNoListener(t *testing.T) {
	p, err := New("/nonexistent", "")
	if err != nil {
		t.Fatal(err)
	}
	r, w, _ := os.Pipe()
	defer r.Close()
	w.Write([]byte("x"))
	w.Close()
	fd, _ := unix.Dup(int(r.Fd()))
	var lines []string
	p.Serve(fd, -1, func(parts ...string) { lines = append(lines, strings.Join(parts, "")) })
	if len(lines) != 1 || !strings.Contains(lines[0], "inappropriate ioctl") {
		t.Errorf("logged %q; want one line about the ioctl", lines)
	}
}

func TestConnectRefused(t *testing.T) {
	for _, address := range []string{"/nonexistent/x", "@gantry-test-nobody-listens", "/" + strings.Repeat("x", 200)} {
		p, err := New(address, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Connect(); err == nil || !strings.Contains(err.Error(), "connect "+address) {
			t.Errorf("Connect to %q = %v; want an error that names it", address, err)
		}
	}
}
