package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// run runs a program and waits for it.
func run(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

// killGroup kills its process group.
func killGroup([]string) error {
	signal.Ignore(unix.SIGTERM)
	if err := unix.Kill(0, unix.SIGTERM); err != nil {
		return err
	}
	return unix.Kill(0, unix.SIGKILL)
}

// stubborn ignores all signals that can be, in many processes.
func stubborn(args []string) error {
	for sig := unix.Signal(1); sig < 65; sig++ {
		signal.Ignore(sig)
	}
	if len(args) == 0 {
		for range 20 {
			if err := exec.Command("/evil", "stubborn", "alone").Start(); err != nil {
				return err
			}
		}
	}
	return wait()
}

// zombies makes children that die and are not waited for, and orphans for the
// init.
func zombies(args []string) error {
	n, _ := strconv.Atoi(args[0])
	for range n {
		if _, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{}); err != nil {
			fmt.Println(err)
			break
		}
	}
	fmt.Println("made")
	return wait()
}

// bomb is a fork bomb.
func bomb([]string) error {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGPWR)
	for {
		if _, err := os.StartProcess("/evil", []string{"evil", "bomb"}, &os.ProcAttr{}); err != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

// connect sends a command to a container's monitor: NAME CODE.
func connect(args []string) error {
	code, _ := strconv.Atoi(args[1])
	answer, err := ask(args[0], code)
	fmt.Println("answer", answer, err)
	return nil
}

func ask(name string, code int) (answer int32, err error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return 0, err
	}
	request := make([]byte, 16)
	binary.NativeEndian.PutUint32(request, uint32(code))
	credentials := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())})
	if err := unix.Sendmsg(fd, request, credentials, nil, 0); err != nil {
		return 0, err
	}
	response := make([]byte, 16)
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2})
	n, _, err := unix.Recvfrom(fd, response, 0)
	if err != nil || n < 16 {
		return 0, fmt.Errorf("%d bytes: %w", n, err)
	}
	return int32(binary.NativeEndian.Uint32(response)), nil
}

// overload connects to a monitor without end, and sends what is no request.
func overload(args []string) error {
	for i := 0; ; i++ {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if unix.Connect(fd, &unix.SockaddrUnix{Name: args[0]}) == nil && i%3 == 0 {
			unix.Write(fd, []byte(strings.Repeat("\xff", i%40)))
		}
		if i%64 != 0 || i > 64*64 {
			unix.Close(fd)
		}
	}
}

// trace becomes the debugger of its parent and never looks at it: whose child
// that is cannot collect it when it has ended.
func trace([]string) error {
	const seize = 0x4206
	runtime.LockOSThread()
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, seize, uintptr(os.Getppid()), 0, 0, 0, 0); errno != 0 {
		return errno
	}
	fmt.Println("tracing")
	return wait()
}
