// Package terminal carries a container's console and ttys: pseudo terminals,
// the console's log file and ring buffer, and the pump between the console and
// whoever looks at it.
//
//	container                shim                                   outside
//	/dev/console  pts ═ ptx ─ Console ┬─ Log   FILE, FILE.1
//	                                  ├─ Ring  CONSOLE_LOG
//	                                  └─ peer  the caller's terminal (-F), or
//	                                           pts ═ ptx ── lxc-console -t 0
//	/dev/ttyN     pts ═ ptx ─ TTYs ──────────────── ptx ── lxc-console -t N
//
// The package is linked into the shim: nothing in it blocks or starts a
// goroutine. What joins a user's terminal to a pty, for lxc-console and
// lxc-attach, is package session beside it.
package terminal

import (
	"os"
	"strconv"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// Open makes a pty in the devpts of this mount namespace. ptx is the end of
// who provides the terminal, pts the end of who uses it.
func Open() (ptx, pts *os.File, err error) {
	fd, err := sys.RetryInt(func() (int, error) {
		return unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, nil, sys.PathError("open", "/dev/ptmx", err)
	}
	return unlock(os.NewFile(uintptr(fd), "ptx"))
}

// OpenIn makes a pty in a devpts that may be another namespace's. Who rules
// there may have mounted something over its ptmx; that is not opened.
func OpenIn(devpts *os.File) (ptx, pts *os.File, err error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(devpts.Fd()), &fs); err != nil {
		return nil, nil, sys.PathError("fstatfs", devpts.Name(), err)
	}
	if fs.Type != unix.DEVPTS_SUPER_MAGIC {
		return nil, nil, sys.PathError("open a pty in", devpts.Name(), unix.ENOTTY)
	}
	how := unix.OpenHow{Flags: unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS}
	fd, err := sys.RetryInt(func() (int, error) { return unix.Openat2(int(devpts.Fd()), "ptmx", &how) })
	if err != nil {
		return nil, nil, sys.PathError("open", "ptmx", err)
	}
	return unlock(os.NewFile(uintptr(fd), "ptx"))
}

func unlock(f *os.File) (ptx, pts *os.File, err error) {
	err = unix.IoctlSetPointerInt(int(f.Fd()), unix.TIOCSPTLCK, 0)
	if err == nil {
		pts, err = Other(int(f.Fd()))
	}
	if err != nil {
		f.Close()
		return nil, nil, sys.CallError("open a pty", err)
	}
	return f, pts, nil
}

// Other opens the pts of a ptx, whichever mount namespace can see it
// (TIOCGPTPEER, ioctl_tty(2)). It does not become the controlling terminal.
func Other(ptx int) (*os.File, error) {
	for {
		fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(ptx), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
		switch errno {
		case 0:
			return os.NewFile(fd, "pts"), nil
		case unix.EINTR:
			continue
		}
		return nil, sys.CallError("TIOCGPTPEER", errno)
	}
}

// IsTerminal says whether fd is one.
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

// CopySize gives terminal to the window size of terminal from.
func CopySize(from, to int) error {
	size, err := unix.IoctlGetWinsize(from, unix.TIOCGWINSZ)
	if err == nil {
		err = unix.IoctlSetWinsize(to, unix.TIOCSWINSZ, size)
	}
	return sys.CallError("copy the window size", err)
}

// Raw puts a terminal into raw mode, both ways: no byte is changed, kept back
// or taken for a signal. The terminal at the other end does all that. was is
// for Restore.
func Raw(fd int) (was *unix.Termios, err error) {
	was, err = unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, sys.CallError("TCGETS", err)
	}
	raw := *was
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF | unix.IXANY
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag &^= unix.CSIZE | unix.PARENB
	raw.Cflag |= unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	return was, Restore(fd, &raw)
}

// Ahead is what was typed before a terminal became raw and is still to be read.
// An end of file among it is a zero byte: the kernel marks it so (n_tty), and a
// raw terminal hands the mark out.
type Ahead struct {
	left int
	eof  byte
}

// TypedAhead gives what waits in a terminal whose modes were such before it
// became raw.
func TypedAhead(fd int, was *unix.Termios) Ahead {
	if was.Lflag&unix.ICANON == 0 {
		return Ahead{}
	}
	left, _ := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return Ahead{left, was.Cc[unix.VEOF]}
}

// Mend makes the marks among the bytes that were read next the character that
// was typed, for the terminal at the other end to take for an end of file.
func (a *Ahead) Mend(b []byte) {
	b = b[:min(len(b), a.left)]
	a.left -= len(b)
	for i := range b {
		if b[i] == 0 {
			b[i] = a.eof
		}
	}
}

// Restore sets a terminal's modes.
func Restore(fd int, modes *unix.Termios) error {
	return sys.CallError("TCSETS", sys.Retry(func() error { return unix.IoctlSetTermios(fd, unix.TCSETS, modes) }))
}

// Reopen opens the terminal or pipe behind fd once more, so that it can be
// non-blocking here without becoming so for the shell and everybody else who
// shares it. flags is O_RDONLY, O_WRONLY or O_RDWR. Files of other kinds need
// or suffer no reopening, and another user's terminal cannot be.
func Reopen(fd int, flags int) (int, error) {
	path := "/proc/self/fd/" + strconv.Itoa(fd)
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFIFO && !IsTerminal(fd) {
		err = unix.ENOTTY
	}
	if err != nil {
		return -1, sys.PathError("reopen", path, err)
	}
	own, err := sys.RetryInt(func() (int, error) {
		return unix.Open(path, flags|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	})
	return own, sys.PathError("reopen", path, err)
}
