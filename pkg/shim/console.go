package shim

import (
	"gantry/pkg/command"
	"gantry/pkg/handover"
	"golang.org/x/sys/unix"
)

type console struct{ fd int }

func (s *shim) openConsole() error {
	f := s.files[handover.Console]
	if f == nil {
		return nil
	}
	s.console.fd = int(f.Fd())
	unix.SetNonblock(s.console.fd, true)
	return s.watch(s.console.fd, unix.EPOLLIN, func(e uint32) { s.drainConsole() })
}
func (s *shim) drainConsole() {
	var b [4096]byte
	for {
		n, err := unix.Read(s.console.fd, b[:])
		if n <= 0 {
			if err == unix.EIO {
				s.forget(s.console.fd)
			}
			return
		}
	}
}
func (s *shim) closeConsole() {
	if f := s.files[handover.Console]; f != nil {
		s.forget(int(f.Fd()))
	}
}
func (s *shim) resizeConsole()        {}
func (s *shim) releaseTTYs(c *client) {}
func (s *shim) getTTY(*client, *command.Request) answer {
	return answer{Response: command.Fail(unix.EBADF)}
}
func (s *shim) consoleLog(*client, *command.Request) answer {
	return answer{Response: command.Fail(unix.EFAULT)}
}
