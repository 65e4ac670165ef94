package shim

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gantry/internal/sys"
	"gantry/pkg/handover"
	"golang.org/x/sys/unix"
)

// removalLimit is how long the processes of an ended container may take to
// disappear from its cgroups.
const removalLimit = 5 * time.Second

// rebootLimit is how long lxc-stage may take to give a reboot up when the
// container shall stop, the hooks of a stop included.
const rebootLimit = 10 * time.Second

// stageChild is lxc-stage at work on the container.
type stageChild struct {
	pid    int
	pidfd  int
	reboot bool
	socket *os.File // where it will hand a new life over
	killer int      // timer, while the container shall stop instead
}

// runStage starts lxc-stage for a reboot or an ending. Without a loop it returns
// after its end.
func (s *shim) runStage(reboot bool) error {
	spareFiles(0)
	ours, theirs, err := sys.SocketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	pid, err := s.spawn(theirs)
	if err != nil {
		ours.Close()
		return err
	}
	state := *s.state
	state.Starting = reboot
	if err := handover.Send(ours, &state, s.lend()); err != nil {
		ours.Close()
		return err
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return sys.CallError("pidfd_open", err)
	}
	s.stage = stageChild{pid: pid, pidfd: pidfd, reboot: reboot, socket: ours}
	err = s.watch(int(ours.Fd()), unix.EPOLLIN, func(uint32) { s.takeBack() })
	if err == nil {
		err = s.watchChild(pid, pidfd)
	}
	if err != nil {
		s.forgetStage() // nobody would take a new life
		s.reap(pid, 0)
	}
	return nil
}

// stopReboot lets a reboot under way be the container's end.
func (s *shim) stopReboot() {
	if s.stage.pid == 0 || !s.stage.reboot || s.stage.killer != 0 {
		return
	}
	pidfd := s.stage.pidfd
	unix.PidfdSendSignal(pidfd, unix.SIGTERM, nil, 0)
	var err error
	s.stage.killer, err = s.every(rebootLimit, func() { unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0) })
	if err != nil {
		s.log.Warn(err.Error())
	}
}

// spawn executes lxc-stage by the descriptor the shim has of it. Listed among
// the child's files it is safe from being overwritten while they are put into
// their places; the caller's signal mask is the child's.
func (s *shim) spawn(socket *os.File) (pid int, err error) {
	const at, self = 3, 4
	runtime.LockOSThread() // the mask is the thread's
	defer runtime.UnlockOSThread()
	var mask, old unix.Sigset_t
	mask.Val[0] = s.state.SignalMask
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &mask, &old); err != nil {
		return 0, sys.CallError("sigprocmask", err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	process, err := os.StartProcess("/proc/self/fd/"+strconv.Itoa(self), []string{"lxc-stage"}, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, socket, s.files[handover.Stage]},
		Env:   []string{handover.Env + strconv.Itoa(at)},
	})
	if err != nil {
		return 0, err
	}
	defer process.Release()
	return process.Pid, nil
}

// lend gives what lxc-stage needs of the files. Among them is the command
// socket: should the shim be killed, the name of the container stays taken, and
// who asks for its state waits, until lxc-stage has done its work.
func (s *shim) lend() handover.Files {
	lent := handover.Files{}
	for name, f := range s.files {
		if !isOfLife(name) {
			lent[name] = f
		}
	}
	return lent
}

// isOfLife says whether a file is of use to nobody when the init has ended.
func isOfLife(name string) bool {
	switch name {
	case handover.Init, handover.Console, handover.ConsoleLog, handover.Devpts, handover.Calls, handover.Proxy:
		return true
	}
	return strings.HasPrefix(name, handover.TTY)
}

// takeBack receives the container's new life.
func (s *shim) takeBack() {
	state, files, err := handover.Receive(s.stage.socket)
	if err != nil {
		s.forgetStage() // it has nothing to give; its end tells the rest
		return
	}
	s.log.Info("rebooted")
	// What lives as long as the shim does, it keeps.
	for _, name := range []string{handover.Listen, handover.Stage, handover.Peer, handover.Log} {
		if f := s.files[name]; f != nil {
			if lent := files[name]; lent != nil && lent != f {
				lent.Close()
			}
			files[name] = f
			delete(s.files, name)
		}
	}
	s.closeConsole()
	s.files.Close()
	s.state, s.files = state, files
	if err := s.adopt(); err == nil {
		s.stage.socket.Write([]byte{1})
		spareFiles(wayOut)
		if s.stage.killer != 0 { // too late to be given up
			s.signal(unix.SIGKILL)
			s.insist()
		}
	} else {
		s.log.Error("cannot supervise the container: ", err.Error())
		s.ended = true // lxc-stage ends a life that nobody takes
	}
	s.forgetStage()
}

func (s *shim) forgetStage() {
	s.forget(int(s.stage.socket.Fd()))
	s.stage.socket.Close()
}

// stageEnded goes on where lxc-stage has left off: a reboot has already handed
// over the new life, else the container is over.
func (s *shim) stageEnded(status unix.WaitStatus) {
	s.stopTimer(s.stage.killer)
	s.forget(s.stage.pidfd)
	unix.Close(s.stage.pidfd)
	s.stage.pid, s.stage.killer = 0, 0
	if status != 0 {
		s.log.Warn("lxc-stage ended with ", describe(status))
	}
	if !s.ended {
		return
	}
	// A reboot that failed, or lxc-stage was killed: nothing may stay behind.
	if err := s.cgroups.RemovePayload(removalLimit); err != nil {
		s.log.Error("cgroups: ", err.Error())
	}
	s.over = true
}
