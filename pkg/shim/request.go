package shim

import (
	"io"
	"os"

	"gantry/pkg/command"
	"gantry/pkg/handover"
	"golang.org/x/sys/unix"
)

// A client is one connection to the command socket.
type client struct {
	*command.Conn
	wants *command.Wants // a state client's; nil for others
	held  bool           // its answer is still to come: what it says now is that it has gone
}

// An answer is what a request gets: a response with descriptors, or a
// connection that stays open.
type answer struct {
	command.Response
	fds    []int
	close  []*os.File // once the response is sent
	keep   bool       // the connection stays open after the response
	silent bool       // and there is no response yet
}

// handlers serve the requests. Those that are not here are answered as unknown
// ones.
var handlers = [...]func(*shim, *client, *command.Request) answer{
	command.GetTTYFD:          (*shim).getTTY,
	command.Stop:              (*shim).stop,
	command.GetState:          (*shim).getState,
	command.GetInitPID:        (*shim).getInitPID,
	command.GetInitPidfd:      (*shim).getInitPidfd,
	command.GetCloneFlags:     (*shim).getCloneFlags,
	command.GetConfigItem:     (*shim).getConfigItem,
	command.GetName:           (*shim).getName,
	command.GetLXCPath:        (*shim).getLXCPath,
	command.AddStateClient:    (*shim).addStateClient,
	command.ServeStateClients: (*shim).serveStateClients,
	command.ConsoleLog:        (*shim).consoleLog,
	command.GetDevptsFD:       (*shim).getDevpts,
	command.GetCgroup:         (*shim).getCgroup,
	command.GetLimitCgroup:    (*shim).getLimitCgroup,
	command.GetCgroup2FD:      (*shim).getCgroup2FD,
	command.GetLimitCgroup2FD: (*shim).getLimitCgroup2FD,
	command.GetCgroupFD:       (*shim).getCgroupFD,
	command.GetLimitCgroupFD:  (*shim).getLimitCgroupFD,
	command.GetCgroupCtx:      (*shim).getCgroupCtx,
	command.Freeze:            (*shim).freeze,
	command.Unfreeze:          (*shim).unfreeze,

	command.SeccompNotifyAddListener: (*shim).addListener,
	command.GetSeccompNotifyFD:       (*shim).getListener,
}

// acceptTurn is how many connections are taken before others have their turn:
// anybody on the host can make some.
const acceptTurn = 16

// accept takes new connections.
func (s *shim) accept(uint32) {
	for range acceptTurn {
		conn, err := s.server.Accept()
		if err != nil {
			s.log.Warn(err.Error())
		}
		if conn == nil {
			return
		}
		c := &client{Conn: conn}
		if err := s.watch(conn.FD(), unix.EPOLLIN, func(events uint32) { s.serve(c, events) }); err != nil {
			conn.Close()
			continue
		}
		s.clients[conn.FD()] = c
	}
}

// serve goes on with a connection: its request, the rest of its response, or
// its end.
func (s *shim) serve(c *client, events uint32) {
	if c.Pending() {
		if err := c.Flush(); err != nil || !c.Pending() {
			s.drop(c)
		}
		return
	}
	if c.held {
		s.drop(c)
		return
	}
	request, done, err := c.Receive()
	if err != nil {
		if err != io.EOF {
			s.log.Debug("client: ", err.Error())
		}
		s.drop(c)
		return
	}
	if !done {
		if events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			s.drop(c)
		}
		return
	}
	s.log.Trace("request ", request.Number.String())
	a := answer{Response: command.Fail(unix.ENOSYS)}
	if n := int(request.Number); n < len(handlers) && handlers[n] != nil {
		a = handlers[n](s, c, &request)
	}
	if request.FD >= 0 {
		unix.Close(request.FD)
	}
	if a.silent {
		return
	}
	err = c.Reply(a.Response, a.fds...)
	for _, f := range a.close {
		f.Close()
	}
	switch {
	case err != nil:
		s.drop(c)
	case c.Pending():
		s.watch(c.FD(), unix.EPOLLOUT, func(events uint32) { s.serve(c, events) })
	case !a.keep:
		s.drop(c)
	}
}

// drop ends a connection and what it held.
func (s *shim) drop(c *client) {
	s.releaseTTYs(c)
	s.leaveFreezing(c)
	s.forget(c.FD())
	delete(s.clients, c.FD())
	c.Close()
}

// notify tells the clients that wait for a state.
func (s *shim) notify(state command.State) {
	for _, c := range s.clients {
		if c.wants == nil || c.wants[state] == command.Ignore {
			continue
		}
		c.Notify(s.state.Name, state)
		s.drop(c)
	}
}

func (s *shim) getState(*client, *command.Request) answer {
	return answer{Response: command.Int(int(s.phase))}
}

func (s *shim) getInitPID(*client, *command.Request) answer {
	return answer{Response: command.Int(s.state.InitPid)}
}

func (s *shim) getInitPidfd(*client, *command.Request) answer { return s.file(handover.Init) }

func (s *shim) getDevpts(*client, *command.Request) answer { return s.file(handover.Devpts) }

func (s *shim) file(name string) answer {
	f := s.files[name]
	if f == nil {
		return answer{Response: command.Fail(unix.EBADF)}
	}
	return answer{Response: command.Done(), fds: []int{int(f.Fd())}}
}

func (s *shim) getCloneFlags(*client, *command.Request) answer {
	return answer{Response: command.Response{Word: s.state.CloneFlags}}
}

func (s *shim) getName(*client, *command.Request) answer {
	return answer{Response: command.Text(s.state.Name)}
}

func (s *shim) getLXCPath(*client, *command.Request) answer {
	return answer{Response: command.Text(s.state.LXCPath)}
}

func (s *shim) getConfigItem(_ *client, r *command.Request) answer {
	value, ok := handover.Answer(s.files[handover.Record], s.state.Answers, r.Text())
	if !ok || value == "" {
		return answer{Response: command.Missing()}
	}
	return answer{Response: command.Text(value)}
}

// stop sends the stop signal, or ends a reboot under way. The client learns of
// the end by the end of its connection.
func (s *shim) stop(*client, *command.Request) answer {
	if s.ended {
		s.stopReboot()
		return answer{silent: true}
	}
	sig := unix.Signal(s.state.StopSignal)
	if sig == 0 {
		sig = unix.SIGKILL
	}
	if err := unix.PidfdSendSignal(int(s.files[handover.Init].Fd()), sig, nil, 0); err != nil && err != unix.ESRCH {
		return answer{Response: command.Fail(errnoOf(err))}
	}
	s.cgroups.Thaw() // a frozen process cannot die
	s.leaveFrozen()
	if sig == unix.SIGKILL {
		s.insist()
	}
	return answer{silent: true}
}

func (s *shim) addStateClient(c *client, r *command.Request) answer {
	wants, err := command.ParseWants(r.Payload)
	if err != nil {
		return answer{Response: command.Fail(unix.EINVAL)}
	}
	if wants[s.phase] == command.Notify {
		return answer{Response: command.Registered(s.phase)}
	}
	c.wants = &wants
	return answer{Response: command.Registered(command.MaxState), keep: true}
}

// serveStateClients takes in a state that a client has brought about, and
// passes it on.
func (s *shim) serveStateClients(_ *client, r *command.Request) answer {
	state := command.State(r.Int())
	if state < 0 || state >= command.MaxState {
		return answer{Response: command.Fail(unix.EINVAL)}
	}
	s.enter(state)
	if state == command.Thawed {
		s.phase = command.Running
	}
	return answer{Response: command.Done()}
}
