package shim

import (
	"os"

	"gantry/internal/sys"
	"gantry/pkg/command"
	"gantry/pkg/handover"
	"gantry/pkg/seccomp/notify"
	"golang.org/x/sys/unix"
)

// openCalls has the proxy decide the system calls that the container's filter
// notifies of. This is done on a goroutine, the loop never waits for the proxy;
// a shim without such a filter has none.
func (s *shim) openCalls() error {
	s.proxy = nil
	if s.files[handover.Calls] == nil || s.state.Decider == "" {
		return nil // whoever decides them asks for the listener
	}
	proxy, err := notify.New(s.state.Decider, s.state.Cookie)
	if err != nil {
		return err
	}
	proxy.About(os.Getpid(), s.state.InitPid)
	if f := s.files[handover.Proxy]; f != nil {
		fd, err := duplicate(int(f.Fd()))
		if err != nil {
			return err
		}
		proxy.Use(fd)
		f.Close()
		delete(s.files, handover.Proxy)
	}
	listener, err := duplicate(int(s.files[handover.Calls].Fd()))
	if err != nil {
		return err
	}
	s.proxy = proxy
	s.decide(listener)
	return nil
}

// decide takes a listener over.
func (s *shim) decide(listener int) { go s.proxy.Serve(listener, -1, s.log.Warn) }

// addListener takes in the listener of a process that has joined the container.
func (s *shim) addListener(_ *client, r *command.Request) answer {
	if s.proxy == nil || s.ended {
		return answer{Response: command.Fail(unix.EINVAL)}
	}
	s.decide(r.FD)
	r.FD = -1
	return answer{Response: command.Done()}
}

func (s *shim) getListener(*client, *command.Request) answer { return s.file(handover.Calls) }

func duplicate(fd int) (int, error) {
	fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return fd, sys.CallError("fcntl", err)
}
