package seccomp

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"gantry/internal/sys"
	"gantry/pkg/command"
	"golang.org/x/sys/unix"

	"gantry/tests/rig"
)

const lxcpath = "/var/lib/lxc"

// box defines a container whose policy notifies of mkdir(2), with a start hook and
// an init that call it. The errors they see are in its /tmp.
func box(t *testing.T, lines ...string) (dir string) {
	t.Helper()
	rig.Watch(t)
	dir = filepath.Join(lxcpath, "box")
	lines = append([]string{"lxc.seccomp.profile = " + dir + "/policy", "lxc.hook.start = /etc/hook"}, lines...)
	file := func(path, content string) error { return os.WriteFile(dir+path, []byte(content), 0o755) }
	err := errors.Join(os.RemoveAll(dir), rig.Define(lxcpath, "box", lines...),
		file("/policy", "2\ndenylist\nmkdir notify\nmkdirat notify\n"),
		file("/rootfs/etc/hook", "#!/bin/sh\nmkdir /tmp/x 2>>/tmp/hook\ntrue\n"),
		file("/rootfs/etc/rc", "mkdir /tmp/x 2>>/tmp/init\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shell("lxc-stop -k box") })
	return dir
}

func shell(script string) (string, error) {
	out, err := rig.Ours().Shell(script).CombinedOutput()
	return string(out), err
}

func start(t *testing.T) {
	t.Helper()
	if out, err := shell("lxc-start box && ready box"); err != nil || out != "" {
		t.Fatalf("lxc-start: %v\n%s", err, out)
	}
}

// wants runs a command in the container and looks for words in what it says.
func wants(t *testing.T, words string) {
	t.Helper()
	if out, _ := shell("lxc-attach box -- mkdir /tmp/x"); !strings.Contains(out, words) {
		t.Errorf("mkdir says %q; want %q", out, words)
	}
}

// Words for errno 88, which proxies here answer with, and for having no answer.
const (
	refused = "Socket operation on non-socket"
	nothing = "Function not implemented"
)

// serve answers the questions of all connections until the test ends.
func serve(t *testing.T, answer func(conn int, q question)) (socket int) {
	socket = listen(t)
	go func() {
		for {
			conn, err := sys.Accept(socket, unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			go func() {
				defer unix.Close(conn)
				for {
					q, ok := receive(conn)
					if !ok {
						return
					}
					answer(conn, q)
					sys.CloseAll(q.fds)
				}
			}()
		}
	}()
	return socket
}

// What start hooks, the init, attached commands and the init after a reboot ask
// for is decided by the proxy.
func TestProxy(t *testing.T) {
	dir := box(t, "lxc.seccomp.notify.proxy = unix:"+proxyPath, "lxc.seccomp.notify.cookie = box:1")
	var mu sync.Mutex
	var heads []string
	serve(t, func(conn int, q question) {
		monitor, init := binary.LittleEndian.Uint32(q.message[8:]), binary.LittleEndian.Uint32(q.message[12:])
		title, _ := os.ReadFile("/proc/" + itoa(int(monitor)) + "/cmdline")
		parent, _ := sys.ParentOf(int(init))
		mu.Lock()
		heads = append(heads, string(title[:min(len(title), 13)])+" "+itoa(parent-int(monitor))+" "+q.cookie()+" "+itoa(len(q.fds)))
		mu.Unlock()
		sys.Send(conn, q.reply(88, 0))
	})
	start(t)
	wants(t, refused)
	if out, err := shell("lxc-stop -r box && ready box"); err != nil {
		t.Fatalf("reboot: %v\n%s", err, out)
	}
	wants(t, refused)
	for file, want := range map[string]int{"hook": 2, "init": 2} {
		if b, _ := os.ReadFile(dir + "/rootfs/tmp/" + file); strings.Count(string(b), refused) != want {
			t.Errorf("%s: %s; want %q, %d times", file, b, refused, want)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, head := range heads {
		if head != "[lxc monitor] 0 box:1 3" {
			t.Errorf("a message's monitor, distance of the init's parent from it, cookie and number of files: %s", head)
		}
	}
	if len(heads) != 6 {
		t.Errorf("%d messages; want 6", len(heads))
	}
}

// A proxy that has ended, or answers rubbish, makes calls fail until there is a
// better one.
func TestBadProxies(t *testing.T) {
	box(t, "lxc.seccomp.notify.proxy = unix:"+proxyPath)
	answers := make(chan string, 1)
	socket := serve(t, func(conn int, q question) {
		answer := q.reply(88, 0)
		select {
		case kind := <-answers:
			switch kind {
			case "short":
				answer = answer[:17]
			case "long":
				answer = append(answer, 0)
			case "noise":
				for i := range answer {
					answer[i] = 0xff
				}
			case "goodbye":
				unix.Shutdown(conn, unix.SHUT_RDWR)
			}
		default:
		}
		sys.Send(conn, answer)
	})
	start(t)
	for _, kind := range []string{"short", "long", "noise", "goodbye"} {
		answers <- kind
		wants(t, nothing)
		wants(t, refused)
	}
	unix.Shutdown(socket, unix.SHUT_RDWR)
	os.Remove(proxyPath)
	answers <- "goodbye"
	wants(t, nothing)
	wants(t, nothing)
	serve(t, func(conn int, q question) { sys.Send(conn, q.reply(88, 0)) })
	wants(t, refused)
}

// A proxy that never answers keeps the calls waiting, and nobody else.
func TestSilentProxy(t *testing.T) {
	dir := box(t, "lxc.seccomp.notify.proxy = unix:"+proxyPath)
	asked := make(chan bool, 10)
	silent := make(chan bool)
	defer close(silent)
	serve(t, func(conn int, q question) {
		asked <- true
		<-silent
	})
	// A hook would wait for its half minute.
	if err := os.WriteFile(dir+"/rootfs/etc/hook", []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := shell("lxc-start box"); err != nil || out != "" {
		t.Fatalf("lxc-start: %v\n%s", err, out)
	}
	<-asked
	c := command.NewClient(lxcpath, "box")
	if state, err := c.State(); state != command.Running || err != nil {
		t.Errorf("state = %v, %v; want RUNNING", state, err)
	}
	mkdir := rig.Ours().Shell("lxc-attach box -- mkdir /tmp/x")
	if err := mkdir.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := shell("lxc-attach box -- true"); err != nil {
		t.Errorf("lxc-attach: %v\n%s", err, out)
	}
	if out, err := shell("lxc-stop -k box"); err != nil {
		t.Errorf("lxc-stop -k: %v\n%s", err, out)
	}
	mkdir.Wait()
}

// A process may be killed while the proxy thinks about its call; the next one is
// answered.
func TestKilledCaller(t *testing.T) {
	dir := box(t, "lxc.seccomp.notify.proxy = unix:"+proxyPath)
	if err := os.Remove(dir + "/rootfs/etc/rc"); err != nil {
		t.Fatal(err)
	}
	kill := false
	serve(t, func(conn int, q question) {
		if kill {
			unix.Kill(int(binary.LittleEndian.Uint32(q.message[headSize+8:])), unix.SIGKILL)
			time.Sleep(20 * time.Millisecond)
		}
		sys.Send(conn, q.reply(88, 0))
	})
	start(t)
	kill = true
	if out, err := shell("lxc-attach box -- mkdir /tmp/x"); !killed(err) {
		t.Errorf("mkdir: %v %s; want it killed", err, out)
	}
	kill = false
	wants(t, refused)
}

func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 128+int(unix.SIGKILL)
}

// A proxy that takes calls from the listener itself gets them, or the monitor
// does; neither keeps the monitor from its work.
func TestThief(t *testing.T) {
	dir := box(t, "lxc.seccomp.notify.proxy = unix:"+proxyPath)
	script := "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do mkdir /tmp/x 2>>/tmp/init; done\n"
	if err := os.WriteFile(dir+"/rootfs/etc/rc", []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	serve(t, func(conn int, q question) {
		if fd, err := unix.Dup(q.fds[2]); err == nil {
			go steal(fd)
		}
		sys.Send(conn, q.reply(88, 0))
	})
	start(t)
	c := command.NewClient(lxcpath, "box")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if state, err := c.State(); state != command.Running || err != nil {
			t.Fatalf("state = %v, %v; want RUNNING", state, err)
		}
		b, _ := os.ReadFile(dir + "/rootfs/tmp/init")
		if n := strings.Count(string(b), refused); n == 20 {
			return
		} else if time.Now().After(end) {
			t.Fatalf("%d of 20 calls were answered: %s", n, b)
		}
	}
}

// steal answers calls past the monitor.
func steal(listener int) {
	defer unix.Close(listener)
	control := func(request uint, b []byte) unix.Errno {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), uintptr(request), uintptr(unsafe.Pointer(&b[0])))
		return errno
	}
	for {
		request, answer := make([]byte, notifSize), make([]byte, respSize)
		if errno := control(unix.SECCOMP_IOCTL_NOTIF_RECV, request); errno != 0 {
			return
		}
		copy(answer, request[:8])
		binary.LittleEndian.PutUint32(answer[16:], ^uint32(88)+1)
		control(unix.SECCOMP_IOCTL_NOTIF_SEND, answer)
	}
}

// Without a proxy whoever asks for the listener decides.
func TestNoProxy(t *testing.T) {
	dir := box(t)
	if err := os.WriteFile(dir+"/rootfs/etc/hook", []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := shell("lxc-start box"); err != nil || out != "" {
		t.Fatalf("lxc-start: %v\n%s", err, out)
	}
	c := command.NewClient(lxcpath, "box")
	f, err := c.SeccompNotifyFD()
	if err != nil {
		t.Fatal(err)
	}
	listener, _ := unix.Dup(int(f.Fd()))
	f.Close()
	go steal(listener)
	if out, err := shell("ready box"); err != nil {
		t.Errorf("ready: %v\n%s", err, out)
	}
	if out, err := shell("lxc-attach box -- true"); err == nil || !strings.Contains(out, "nobody decides") {
		t.Errorf("lxc-attach: %v %s; want an error that says so", err, out)
	}
	if out, err := shell("lxc-attach -eLSM box -- mkdir /tmp/y"); err != nil {
		t.Errorf("lxc-attach -e LSM: %v\n%s", err, out)
	}
}

// A proxy that is not there is an error of the start, at its line.
func TestAbsentProxy(t *testing.T) {
	box(t, "lxc.seccomp.notify.proxy = unix:"+proxyPath)
	out, err := shell("lxc-start box")
	if want := "config:9: lxc.seccomp.notify.proxy: connect " + proxyPath; err == nil || !strings.Contains(out, want) {
		t.Errorf("lxc-start: %v %s; want %s", err, out, want)
	}
}
