// Package shim supervises one running container: it is the process `[lxc
// monitor] LXCPATH NAME`.
//
// One epoll loop serves the command socket, carries the console,
// forwards signals and waits for the init to end. What needs more than this,
// reboots, hooks, network devices, is done by lxc-stage, which the shim runs
// as a child by a descriptor it was given at the start: replacing Gantry's
// files under a running container changes nothing for it.
//
//	set-up ──handover──> shim ── requests ──> tools
//	                      ├── handover ──> lxc-stage ──> a new init, or none
//	                      └── init ends ──> stopping, stopped, gone
//
// Memory is counted here: the package imports os, x/sys/unix and what is built
// on them alone, and a test pins that.
package shim

import (
	"os"
	"strconv"

	"gantry/internal/log"
	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"gantry/pkg/handover"
	"gantry/pkg/seccomp/notify"
	"golang.org/x/sys/unix"
)

// shim is a container under supervision.
type shim struct {
	*loop
	log     *log.Logger
	state   *handover.State
	files   handover.Files
	cgroups *cgroup.Set
	server  *command.Server
	clients map[int]*client
	console console

	phase  command.State
	ended  bool       // the init has
	stage  stageChild // the lxc-stage at work
	killer int        // timer, while the init shall be dead and is not
	over   bool

	freezing *freezing     // nil when none is under way
	proxy    *notify.Proxy // nil when nobody decides system calls
}

// Run supervises the container that is handed over on socket until it has
// stopped, and returns the exit code of the process.
func Run(socket *os.File) int {
	state, files, err := handover.Receive(socket)
	if err != nil {
		// Set-up failed or was killed. The init dies with its parent.
		return 1
	}
	s := &shim{state: state, files: files, cgroups: &cgroup.Set{}, clients: map[int]*client{}, phase: command.Starting}
	s.log = &log.Logger{Prog: state.Prog, Name: state.Name, Level: log.Level(state.LogLevel), Syslog: log.NewSyslog(state.Syslog)}
	if f := files[handover.Log]; f != nil {
		s.log.File = f
	}
	if state.Foreground {
		s.log.Stderr = os.Stderr
	}
	os.WriteFile("/proc/self/comm", []byte(state.Prog), 0) // prctl(2) would name this thread, which need not be the first
	err = s.begin()
	socket.Close()
	if err == nil {
		err = s.run(func() bool { return s.over })
	}
	if err != nil {
		s.log.Error("cannot supervise the container: ", err.Error())
		s.giveUp()
	}
	s.end()
	if err != nil {
		return 1
	}
	return 0
}

// begin sets the loop up around a container that has just been handed over.
func (s *shim) begin() (err error) {
	if s.loop, err = newLoop(); err != nil {
		return err
	}
	// Without room for some who ask it would be no use.
	if err := spareFiles(2 * wayOut); err != nil {
		return err
	}
	if s.server, err = command.NewServer(int(s.files[handover.Listen].Fd())); err != nil {
		return err
	}
	if err := s.watchSignals(); err != nil {
		return err
	}
	if err := s.watch(s.server.FD, unix.EPOLLIN, s.accept); err != nil {
		return err
	}
	s.enter(command.Starting)
	if err := s.adopt(); err != nil {
		return err
	}
	return spareFiles(wayOut)
}

// adopt takes in what belongs to one life of the container, from one boot to
// the next.
func (s *shim) adopt() error {
	cgroups, err := cgroup.Parse(s.state.Cgroup)
	if err != nil {
		return err
	}
	s.cgroups, s.ended = cgroups, false
	if err := s.watchChild(s.state.InitPid, int(s.files[handover.Init].Fd())); err != nil {
		return err
	}
	if err := s.openConsole(); err != nil {
		return err
	}
	s.enter(command.Running)
	return s.openCalls()
}

// enter makes a state known.
func (s *shim) enter(to command.State) {
	s.phase = to
	s.log.Info("state ", to.String())
	s.tell(command.Message{Type: command.StateMessage, Name: s.state.Name, Value: int32(to)})
	s.notify(to)
}

// tell passes a message to lxc-monitord, if one listens.
func (s *shim) tell(m command.Message) {
	fd, err := unix.Open(s.state.MonitorFifo, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	unix.Write(fd, m.Append(nil))
	unix.Close(fd)
}

// end is the last the shim does. Whoever waits for the container sees it gone
// when the connection closes. The cgroups the shim lives in follow, and then
// the name of the container is free: a start in between finds it bound, asks
// for the state, and is told by the end of its connection to try again.
func (s *shim) end() {
	s.closeConsole()
	s.restoreTerminal()
	s.enter(command.Stopped)
	if s.state.PidFile != "" {
		os.Remove(s.state.PidFile)
	}
	for _, c := range s.clients {
		c.Close()
	}
	if err := s.cgroups.LeaveMonitor(); err != nil {
		s.log.Warn("monitor cgroup: ", err.Error())
	}
	if s.server != nil {
		s.server.Close()
	}
}

func describe(status unix.WaitStatus) string {
	if status.Signaled() {
		return "signal " + strconv.Itoa(int(status.Signal()))
	}
	return "status " + strconv.Itoa(status.ExitStatus())
}
