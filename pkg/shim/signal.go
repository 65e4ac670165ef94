package shim

import (
	"unsafe"

	"gantry/internal/sys"
	"gantry/pkg/command"
	"gantry/pkg/handover"
	"golang.org/x/sys/unix"
)

// watchSignals lets signals come as data: all but those a fault raises. They
// were blocked before the shim was executed, since the Go runtime keeps what is
// blocked at its start blocked on all its threads, but for those Hold is for.
func (s *shim) watchSignals() error {
	set := unix.Sigset_t{}
	set.Val[0] = ^uint64(1<<(unix.SIGBUS-1) | 1<<(unix.SIGILL-1) | 1<<(unix.SIGSEGV-1))
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK)
	if err != nil {
		return sys.CallError("signalfd", err)
	}
	return s.watch(fd, unix.EPOLLIN, func(uint32) { s.readSignals(fd) })
}

func (s *shim) readSignals(fd int) {
	var info unix.SignalfdSiginfo
	b := unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info))
	for {
		if n, err := unix.Read(fd, b); n != len(b) || err != nil {
			return
		}
		switch sig := unix.Signal(info.Signo); sig {
		case unix.SIGWINCH:
			s.resizeConsole()
		case unix.SIGCONT:
			s.showConsole() // the shell may have given us the terminal
		case unix.SIGHUP:
			s.signal(unix.SIGTERM) // as LXC: a terminal that goes away asks for the end
		case unix.SIGCHLD, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGURG, unix.SIGPIPE:
			// Of our children (pidfds tell of those: the Go runtime takes SIGCHLD
			// for itself), of job control, of the runtime, of a client that has
			// gone: none of the container's business.
		default:
			s.signal(sig)
		}
	}
}

// signal sends one to the init.
func (s *shim) signal(sig unix.Signal) {
	if !s.ended {
		unix.PidfdSendSignal(int(s.files[handover.Init].Fd()), sig, nil, 0)
	}
}

// watchChild waits for the end of a child.
func (s *shim) watchChild(pid, pidfd int) error {
	return s.watch(pidfd, unix.EPOLLIN, func(uint32) {
		s.forget(pidfd)
		if !s.reap(pid, unix.WNOHANG) {
			s.reapTraced(pid)
		}
	})
}

// reapTraced collects a child whose debugger learns of its end first: there is
// nothing to collect, nor another event, until that one has looked. The init's
// may be a process of the container that never will.
func (s *shim) reapTraced(pid int) {
	if pid == s.state.InitPid {
		s.insist()
	}
	const pause = 10e6
	var timer int
	timer, err := s.every(pause, func() {
		if s.reap(pid, unix.WNOHANG) {
			s.stopTimer(timer)
		}
	})
	if err != nil {
		s.log.Warn(err.Error())
		s.reap(pid, 0)
	}
}

// reap collects a child that has ended, and whatever else has. With WNOHANG it
// does not wait for the child; done says that there is no such child any more.
func (s *shim) reap(pid, options int) (done bool) {
	for ; ; done, pid, options = true, -1, unix.WNOHANG {
		var status unix.WaitStatus
		ended, err := sys.RetryInt(func() (int, error) { return unix.Wait4(pid, &status, options, nil) })
		if ended <= 0 || err != nil {
			return done || err != nil
		}
		switch ended {
		case s.state.InitPid:
			s.initEnded(status)
		case s.stage.pid:
			s.stageEnded(status)
		}
	}
}

// initEnded begins the end of the container, or its reboot. reboot(2) inside a
// pid namespace kills the init with SIGHUP for a restart, with SIGINT else.
func (s *shim) initEnded(status unix.WaitStatus) {
	if s.ended {
		return
	}
	s.ended = true
	s.desist()
	s.endFreezing(command.Fail(unix.ESRCH))
	s.log.Info("init ended with ", describe(status))
	s.tell(command.Message{Type: command.ExitMessage, Name: s.state.Name, Value: int32(status)})
	s.drainConsole()
	s.enter(command.Stopping)
	reboot := s.loop != nil && status.Signaled() && status.Signal() == unix.SIGHUP
	if reboot { // who waits for STOPPED sees that the old life is over
		s.enter(command.Stopped)
		s.enter(command.Starting)
	}
	if reboot || s.state.Finish {
		if err := s.runStage(reboot); err == nil {
			return
		} else {
			s.log.Error("lxc-stage: ", err.Error())
		}
	}
	if err := s.cgroups.RemovePayload(removalLimit); err != nil {
		s.log.Error("cgroups: ", err.Error())
	}
	s.over = true
}
