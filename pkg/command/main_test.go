package command_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gantry/pkg/command"
	"gantry/tests/rig"
	"golang.org/x/sys/unix"
)

// actVar makes the test binary one of actors.
const actVar = "GANTRY_TEST_ACT"

// actors are what other users do to the socket of an address.
var actors = map[string]func(address string) any{
	// GET_STATE's error.
	"ask": func(address string) any {
		c := command.Client{Address: address, Timeout: 5 * time.Second}
		_, err := c.State()
		return err
	},
	// Binds the name and hangs up on the first two that call.
	"squat": func(address string) any {
		fd, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + address}); err != nil {
			return err
		}
		if err := unix.Listen(fd, 1); err != nil {
			return err
		}
		for range 2 {
			if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000); n == 0 {
				return fmt.Sprint("nobody called: ", err)
			}
			conn, _, err := unix.Accept(fd)
			if err != nil {
				return err
			}
			unix.Close(conn)
		}
		return nil
	},
	// How many of a hundred silent connections are kept.
	"crowd": func(address string) any {
		var fds []unix.PollFd
		for range 100 {
			fd, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err := unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + address}); err != nil {
				return err
			}
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
		time.Sleep(100 * time.Millisecond)
		ended, err := unix.Poll(fds, 0)
		if err != nil {
			return err
		}
		return len(fds) - ended
	},
	// Serves without a descriptor left, and says what became of the caller.
	"starve": func(address string) any {
		listener, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err := unix.Bind(listener, &unix.SockaddrUnix{Name: "@" + address}); err != nil {
			return err
		}
		if err := unix.Listen(listener, 1); err != nil {
			return err
		}
		caller, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err := unix.Connect(caller, &unix.SockaddrUnix{Name: "@" + address}); err != nil {
			return err
		}
		server, err := command.NewServer(listener)
		if err != nil {
			return err
		}
		next, _ := unix.Dup(0)
		unix.Close(next)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: uint64(next)}); err != nil {
			return err
		}
		for range 3 {
			if conn, err := server.Accept(); conn != nil || err != nil {
				return fmt.Sprint("accepted: ", conn, err)
			}
		}
		n, err := unix.Read(caller, make([]byte, 1))
		return fmt.Sprint(n, " bytes, ", err)
	},
}

func TestMain(m *testing.M) {
	if act, address, ok := strings.Cut(os.Getenv(actVar), "@"); ok {
		fmt.Print(actors[act](address))
		os.Exit(0)
	}
	rig.Enter() // containers of C LXC are started here
	os.Exit(m.Run())
}

// runAs runs an actor as another user and gives what it says.
func runAs(t *testing.T, uid uint32, act, address string) string {
	t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = []string{actVar + "=" + act + "@" + address}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("client as %d: %v: %s", uid, err, out)
	}
	return string(out)
}
