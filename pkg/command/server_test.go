package command_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/pkg/command"
	"gantry/tests/rig"
	"golang.org/x/sys/unix"
)

// A monitor is a small server around Server and Conn, with the loop a shim has.
type monitor struct {
	t       *testing.T
	server  *command.Server
	wake    *os.File
	conns   map[int]*command.Conn
	clients map[*command.Conn]bool // state clients

	mu    sync.Mutex
	asked []command.Number
	tty   *os.File // ttys' far end
	log   []byte   // CONSOLE_LOG's answer
}

const testPath = "/gantry-test"

// serve runs a monitor for a container of the test's name.
func serve(t *testing.T) (*monitor, *command.Client) {
	t.Helper()
	return serveAt(t, testPath, strings.ReplaceAll(t.Name(), "/", "-"))
}

func serveAt(t *testing.T, lxcpath, name string) (*monitor, *command.Client) {
	t.Helper()
	listener, err := command.Listen(lxcpath, name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(listener.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	server, err := command.NewServer(fd)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	m := &monitor{t: t, server: server, wake: r, conns: map[int]*command.Conn{}, clients: map[*command.Conn]bool{}}
	done := make(chan struct{})
	go func() { defer close(done); m.loop() }()
	t.Cleanup(func() { w.Close(); <-done; r.Close() })
	return m, &command.Client{Address: command.Address(lxcpath, name), Timeout: 5 * time.Second}
}

// has gives it a terminal and a log.
func (m *monitor) has(tty *os.File, log []byte) {
	m.mu.Lock()
	m.tty, m.log = tty, log
	m.mu.Unlock()
}

func (m *monitor) loop() {
	defer m.server.Close()
	for {
		fds := []unix.PollFd{{Fd: int32(m.wake.Fd()), Events: unix.POLLIN}, {Fd: int32(m.server.FD), Events: unix.POLLIN}}
		for fd, c := range m.conns {
			events := int16(unix.POLLIN)
			if c.Pending() {
				events = unix.POLLOUT
			}
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: events})
		}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			m.t.Error(err)
			return
		}
		if fds[0].Revents != 0 {
			for _, c := range m.conns {
				c.Close()
			}
			return
		}
		if fds[1].Revents != 0 {
			if c, err := m.server.Accept(); err != nil {
				m.t.Error(err)
			} else if c != nil {
				m.conns[c.FD()] = c
			}
		}
		for _, p := range fds[2:] {
			if c := m.conns[int(p.Fd)]; p.Revents != 0 && !m.handle(c) && !c.Pending() {
				delete(m.conns, c.FD())
				delete(m.clients, c)
				c.Close()
			}
		}
	}
}

// handle says whether the connection is kept.
func (m *monitor) handle(c *command.Conn) bool {
	if c.Pending() {
		return c.Flush() == nil && c.Pending()
	}
	request, done, err := c.Receive()
	if err != nil {
		return false
	}
	if !done {
		return true
	}
	m.mu.Lock()
	m.asked = append(m.asked, request.Number)
	response, fds, keep := m.answer(c, &request)
	m.mu.Unlock()
	if err := c.Reply(response, fds...); err != nil {
		m.t.Error(err)
	}
	return keep
}

func (m *monitor) answer(c *command.Conn, r *command.Request) (response command.Response, fds []int, keep bool) {
	root := func() int { fd, _ := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0); return fd }
	switch r.Number {
	case command.GetTTYFD:
		if m.tty == nil || r.Int() > 4 {
			return command.Fail(unix.EBADF), nil, false
		}
		return command.Int(max(r.Int(), 1)), []int{int(m.tty.Fd())}, true
	case command.GetState:
		return command.Int(int(command.Running)), nil, false
	case command.GetInitPID:
		return command.Int(os.Getpid()), nil, false
	case command.GetCloneFlags:
		return command.Int(0x6e020000), nil, false
	case command.GetConfigItem:
		if r.Text() != "lxc.uts.name" {
			return command.Missing(), nil, false
		}
		return command.Text("web"), nil, false
	case command.GetName, command.GetLXCPath, command.GetSystemdScope:
		return command.Text(r.Number.String()), nil, false
	case command.GetCgroup, command.GetLimitCgroup:
		return command.Text("/" + r.Text()), nil, false
	case command.AddStateClient:
		wants, _ := command.ParseWants(r.Payload)
		if wants[command.Running] == command.Notify {
			return command.Registered(command.Running), nil, false
		}
		m.clients[c] = true
		return command.Registered(command.MaxState), nil, true
	case command.ServeStateClients:
		for client := range m.clients {
			client.Notify("web", command.State(r.Int()))
		}
		return command.Done(), nil, false
	case command.ConsoleLog:
		return command.Response{Data: m.log}, nil, false
	case command.GetCgroup2FD, command.GetInitPidfd, command.GetLimitCgroup2FD, command.GetDevptsFD, command.GetSeccompNotifyFD:
		return command.Done(), []int{root()}, false
	case command.GetCgroupFD, command.GetLimitCgroupFD:
		request, err := command.ParseCgroupFD(r.Payload)
		if err != nil {
			return command.Fail(unix.EINVAL), nil, false
		}
		request.Layout, request.Type = command.Hybrid, command.CgroupV1
		return command.Struct(request.Append(nil), r), []int{root()}, false
	case command.GetCgroupCtx:
		ctx := command.CgroupCtx{Layout: command.Hybrid, FDs: []int32{1, 2}}
		return command.Struct(ctx.Append(nil), r), []int{root(), root()}, false
	case command.SeccompNotifyAddListener:
		unix.Close(r.FD)
	}
	return command.Done(), nil, false
}

// isFile closes a file and says that there was one.
func isFile(f *os.File, err error) (any, error) {
	if f != nil {
		f.Close()
	}
	return f != nil, err
}

func TestEveryRequest(t *testing.T) {
	m, c := serve(t)
	m.has(os.Stderr, bytes.Repeat([]byte("console "), 100_000)) // more than a socket holds
	asAny := func(v any, err error) (any, error) { return v, err }
	for _, r := range []struct {
		number command.Number
		ask    func() (any, error)
		want   any
	}{
		{command.GetTTYFD, func() (any, error) {
			tty, err := c.TTY(-1)
			if err != nil {
				return nil, err
			}
			return tty.Number, tty.Close()
		}, 1},
		{command.Stop, func() (any, error) { return nil, c.Stop() }, nil},
		{command.GetState, func() (any, error) { return asAny(c.State()) }, command.Running},
		{command.GetInitPID, func() (any, error) { return asAny(c.InitPID()) }, os.Getpid()},
		{command.GetCloneFlags, func() (any, error) { return asAny(c.CloneFlags()) }, uint64(0x6e020000)},
		{command.GetCgroup, func() (any, error) { return asAny(c.Cgroup("pids")) }, "/pids"},
		{command.GetConfigItem, func() (any, error) { v, _, err := c.ConfigItem("lxc.uts.name"); return v, err }, "web"},
		{command.GetConfigItem, func() (any, error) { _, ok, err := c.ConfigItem("lxc.arch"); return ok, err }, false},
		{command.GetName, func() (any, error) { return asAny(c.Name()) }, "GET_NAME"},
		{command.GetLXCPath, func() (any, error) { return asAny(c.LXCPath()) }, "GET_LXCPATH"},
		{command.AddStateClient, func() (any, error) {
			w, err := c.Wait(command.Wants{command.Running: command.Notify})
			if err != nil {
				return nil, err
			}
			return asAny(w.Wait(0))
		}, command.Running},
		{command.ConsoleLog, func() (any, error) {
			got, err := c.ConsoleLog(command.LogRequest{Read: true})
			return bytes.Equal(got, m.log), err
		}, true},
		{command.ServeStateClients, func() (any, error) { return nil, c.ServeStateClients(command.Frozen) }, nil},
		{command.SeccompNotifyAddListener, func() (any, error) { return nil, c.AddSeccompListener(2) }, nil},
		{command.AddBPFDeviceCgroup, func() (any, error) { return nil, c.AddDevice(command.Device{Type: 'a'}) }, nil},
		{command.Freeze, func() (any, error) { return nil, c.Freeze(-1) }, nil},
		{command.Unfreeze, func() (any, error) { return nil, c.Unfreeze(-1) }, nil},
		{command.GetCgroup2FD, func() (any, error) { return isFile(c.Cgroup2FD()) }, true},
		{command.GetInitPidfd, func() (any, error) { return isFile(c.InitPidfd()) }, true},
		{command.GetLimitCgroup, func() (any, error) { return asAny(c.LimitCgroup("")) }, "/"},
		{command.GetLimitCgroup2FD, func() (any, error) { return isFile(c.LimitCgroup2FD()) }, true},
		{command.GetDevptsFD, func() (any, error) { return isFile(c.DevptsFD()) }, true},
		{command.GetSeccompNotifyFD, func() (any, error) { return isFile(c.SeccompNotifyFD()) }, true},
		{command.GetCgroupCtx, func() (any, error) {
			ctx, files, err := c.CgroupCtx()
			for _, f := range files {
				f.Close()
			}
			return len(ctx.FDs), err
		}, 2},
		{command.GetCgroupFD, func() (any, error) {
			fd, f, err := c.CgroupFD("memory")
			isFile(f, err)
			return fd.Controller, err
		}, "memory"},
		{command.GetLimitCgroupFD, func() (any, error) { _, f, err := c.LimitCgroupFD("memory"); return isFile(f, err) }, true},
		{command.GetSystemdScope, func() (any, error) { return asAny(c.SystemdScope()) }, "GET_SYSTEMD_SCOPE"},
	} {
		got, err := r.ask()
		if err != nil || got != r.want {
			t.Errorf("%s = %v, %v; want %v", r.number, got, err, r.want)
		}
		m.mu.Lock()
		if last := m.asked[len(m.asked)-1]; last != r.number {
			t.Errorf("the monitor was asked for %s; want %s", last, r.number)
		}
		m.mu.Unlock()
	}
}

func TestWaitUntilNotified(t *testing.T) {
	_, c := serve(t)
	w, err := c.Wait(command.Wants{command.Frozen: command.Notify})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Wait(10 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Wait(10ms) = %v; want %v", err, os.ErrDeadlineExceeded)
	}
	if err := c.ServeStateClients(command.Frozen); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from memory
		if got, err := w.Wait(-1); got != command.Frozen || err != nil {
			t.Errorf("Wait(-1) = %v, %v; want FROZEN", got, err)
		}
	}
}

func TestEndOfTheMonitorIsStopped(t *testing.T) {
	var w *command.Waiter
	t.Run("monitor", func(t *testing.T) {
		_, c := serve(t)
		var err error
		if w, err = c.Wait(command.Wants{command.Frozen: command.Notify}); err != nil {
			t.Fatal(err)
		}
	})
	if got, err := w.Wait(-1); got != command.Stopped || err != nil {
		t.Errorf("Wait = %v, %v; want STOPPED", got, err)
	}
}

func TestNobodyThere(t *testing.T) {
	c := command.NewClient(testPath, "nobody")
	if got, err := c.State(); got != command.Stopped || err != nil {
		t.Errorf("State() = %v, %v; want STOPPED", got, err)
	}
	if _, err := c.InitPID(); !errors.Is(err, command.ErrNotRunning) {
		t.Errorf("InitPID() = %v; want %v", err, command.ErrNotRunning)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("Stop() = %v; want nil", err)
	}
}

func TestTwoMonitors(t *testing.T) {
	first, err := command.Listen(testPath, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := command.Listen(testPath, t.Name()); !errors.Is(err, command.ErrInUse) {
		t.Errorf("second Listen = %v; want %v", err, command.ErrInUse)
	}
}

func TestSilentMonitorTimesOut(t *testing.T) {
	listener, err := command.Listen(testPath, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := &command.Client{Address: command.Address(testPath, t.Name()), Timeout: 20 * time.Millisecond}
	if _, err := c.State(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("State() = %v; want %v", err, os.ErrDeadlineExceeded)
	}
}

// dialRaw connects without the client's manners.
func dialRaw(t *testing.T, c *command.Client) *os.File {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "raw")
	t.Cleanup(func() { f.Close() })
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + c.Address}); err != nil {
		t.Fatal(err)
	}
	timeout := unix.Timeval{Sec: 5}
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	return f
}

// TestIllFormedRequests sends bytes and looks at the first four of the answer.
func TestIllFormedRequests(t *testing.T) {
	const zeros = "\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, r := range []struct{ name, send, want string }{
		{"unknown number", "\x1b\x00\x00\x00\x00\x00\x00\x00" + zeros, "\xda\xff\xff\xff"},            // -ENOSYS
		{"negative number", "\xff\xff\xff\xff\x00\x00\x00\x00" + zeros, "\xda\xff\xff\xff"},           // -ENOSYS
		{"wants of 4 bytes", "\x0a\x00\x00\x00\x04\x00\x00\x00" + zeros + "wxyz", "\xea\xff\xff\xff"}, // -EINVAL
		{"key without NUL", "\x07\x00\x00\x00\x04\x00\x00\x00" + zeros + "lxc.", "\xea\xff\xff\xff"},
		{"short header", "\x03\x00\x00\x00", ""},
		{"too long", "\x07\x00\x00\x00\x01\x20\x00\x00" + zeros, ""}, // 8193
		{"negative length", "\x07\x00\x00\x00\xff\xff\xff\xff" + zeros, ""},
		{"in two parts", "\x03\x00\x00\x00\x00\x00|\x00\x00" + zeros, "\x00\x00\x00\x00"},
	} {
		t.Run(r.name, func(t *testing.T) {
			_, c := serve(t)
			f := dialRaw(t, c)
			for _, part := range strings.Split(r.send, "|") {
				// Without explicit credentials SO_PASSCRED adds them.
				me := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid())})
				if err := unix.Sendmsg(int(f.Fd()), []byte(part), me, nil, 0); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
			unix.Shutdown(int(f.Fd()), unix.SHUT_WR)
			got, _ := io.ReadAll(f)
			if len(got) > 4 {
				got = got[:4]
			}
			if string(got) != r.want {
				t.Errorf("answer = %q; want %q", got, r.want)
			}
		})
	}
}

func TestStrangersMayAskNothing(t *testing.T) {
	_, c := serve(t)
	if got, want := runAs(t, 65534, "ask", c.Address), "GET_STATE: operation not permitted"; got != want {
		t.Errorf("a stranger is told %q; want %q", got, want)
	}
}

// Whoever binds the name of a stopped container is not taken for its monitor,
// unless the containers are his.
func TestStrangersAreNoMonitors(t *testing.T) {
	c := &command.Client{Address: command.Address(testPath, t.Name()), Dir: "/", Timeout: 5 * time.Second}
	said := make(chan string)
	go func() { said <- runAs(t, 65534, "squat", c.Address) }()
	for !slices.Contains(rig.Look().Sockets, "@"+c.Address) {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.State(); err == nil || !strings.Contains(err.Error(), "of user 65534, who has no containers in /") {
		t.Errorf("State = %v; want an error that names user 65534", err)
	}
	own := t.TempDir()
	if err := os.Chown(own, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	c.Dir = own
	if state, err := c.State(); state != command.Stopped || err != nil {
		t.Errorf("State of an owner's socket that hangs up = %v, %v; want STOPPED", state, err)
	}
	if got := <-said; got != "<nil>" {
		t.Error("the stranger says ", got)
	}
}

func TestStrangersCannotCrowd(t *testing.T) {
	_, c := serve(t)
	if got, want := runAs(t, 65534, "crowd", c.Address), "16"; got != want {
		t.Errorf("connections kept of a stranger's hundred = %s; want %s", got, want)
	}
	if got, want := runAs(t, 65534, "ask", c.Address), "GET_STATE: operation not permitted"; got != want {
		t.Errorf("a stranger is told %q after the crowd has gone; want %q", got, want)
	}
}

// TestStrangersCannotHold serves a crowd of strangers for some turns: each is of
// one of them, be it let in or not.
func TestStrangersCannotHold(t *testing.T) {
	listener, err := command.Listen(testPath, "hold")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	server, err := command.NewServer(int(listener.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	kept := make(chan string, 1)
	go func() { kept <- runAs(t, 65534, "crowd", command.Address(testPath, "hold")) }()
	for range 16 + 3 {
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(server.FD), Events: unix.POLLIN}}, 5000); n == 0 {
			t.Fatal("nobody calls: ", err)
		}
		conn, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if conn != nil {
			defer conn.Close()
		}
	}
	if got, want := <-kept, "97"; got != want {
		t.Errorf("of a stranger's hundred connections %s are left; want %s", got, want)
	}
}

// TestNoDescriptors accepts without being able to. Who calls is sent away, and
// the loop gets on with its other work.
func TestNoDescriptors(t *testing.T) {
	if said := runAs(t, 0, "starve", testPath+"/starve"); said != "0 bytes, <nil>" {
		t.Errorf("the caller got %s; want the end of its connection", said)
	}
}

// TestGarbage serves some clients and counts what that leaves behind: a monitor
// that is asked often would grow by it.
func TestGarbage(t *testing.T) {
	listener, err := command.Listen(testPath, "garbage")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	server, err := command.NewServer(int(listener.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	const clients, most = 50, 256
	c := &command.Client{Address: command.Address(testPath, "garbage")}
	for range clients {
		f := dialRaw(t, c)
		me := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid())})
		request := make([]byte, 16)
		request[0] = byte(command.GetState)
		if err := unix.Sendmsg(int(f.Fd()), request, me, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range clients {
		conn, err := server.Accept()
		if err != nil || conn == nil {
			t.Fatal("Accept: ", err)
		}
		if _, done, err := conn.Receive(); !done || err != nil {
			t.Fatal("Receive: ", err)
		}
		conn.Reply(command.Int(1))
		conn.Close()
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / clients; got > most {
		t.Errorf("a request leaves %d bytes behind; want no more than %d", got, most)
	}
}

// A slow client and a dead one keep nobody else waiting.
func TestSlowClients(t *testing.T) {
	m, c := serve(t)
	m.has(nil, make([]byte, 4<<20))
	for range 4 {
		slow := dialRaw(t, c)
		me := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid())})
		half := []byte("\x03\x00\x00\x00\x00")
		if err := unix.Sendmsg(int(slow.Fd()), half, me, nil, 0); err != nil {
			t.Fatal(err)
		}
		reader := dialRaw(t, c)
		log := append([]byte("\x0b\x00\x00\x00\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), command.LogRequest{Read: true}.Append(nil)...)
		if err := unix.Sendmsg(int(reader.Fd()), log, me, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if s, err := c.State(); s != command.Running || err != nil {
			t.Fatalf("State() = %v, %v; want RUNNING", s, err)
		}
	}
}
