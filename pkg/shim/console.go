package shim

import (
	"strconv"

	"gantry/pkg/command"
	"gantry/pkg/handover"
	"gantry/pkg/terminal"
	"golang.org/x/sys/unix"
)

// console is /dev/console and the ttys of one life of the container, and the
// terminal the console is shown on.
type console struct {
	*terminal.Console // nil without a console
	ttys              *terminal.TTYs
	cooked            *unix.Termios // modes of the peer, while we have changed them
}

// openConsole takes up the terminals of a container that was just handed over.
func (s *shim) openConsole() error {
	if f := s.files[handover.Console]; f != nil {
		var log *terminal.Log
		if file := s.files[handover.ConsoleLog]; file != nil {
			log = terminal.NewLog(file, s.state.ConsoleSize, s.state.ConsoleRotate)
			delete(s.files, handover.ConsoleLog) // the log closes it
		}
		var ring *terminal.Ring
		if s.state.ConsoleBuffer > 0 {
			ring = terminal.NewRing(s.state.ConsoleBuffer)
		}
		loop := terminal.Loop{Watch: s.watch, Forget: s.forget}
		c, err := terminal.NewConsole(loop, int(f.Fd()), log, ring)
		if err != nil {
			return err
		}
		s.console.Console = c
	}
	var ptxs []int
	for i := 1; s.files[handover.TTY+strconv.Itoa(i)] != nil; i++ {
		ptxs = append(ptxs, int(s.files[handover.TTY+strconv.Itoa(i)].Fd()))
	}
	s.console.ttys = terminal.NewTTYs(s.console.Console, ptxs)
	s.showConsole()
	return nil
}

// showConsole connects the console to the terminal we were given. One that has
// hung up is no reason to end the container.
func (s *shim) showConsole() {
	if err := s.connectConsole(); err != nil {
		s.log.Warn("console: ", err.Error())
	}
}

// connectConsole does. In a background job only the output is shown: reading,
// and changing the modes, would be taking the terminal from whoever has it.
func (s *shim) connectConsole() error {
	peer, c := s.files[handover.Peer], s.console.Console
	if peer == nil || c == nil {
		return nil
	}
	c.Disconnect()
	fd := int(peer.Fd())
	if !ours(fd) {
		return c.Connect(terminal.Peer{In: -1, Out: fd, Patient: true})
	}
	var ahead terminal.Ahead
	if s.console.cooked == nil {
		was, err := terminal.Raw(fd)
		if err != nil {
			return err
		}
		s.console.cooked, ahead = was, terminal.TypedAhead(fd, was)
	}
	if err := c.Connect(terminal.Peer{In: fd, Out: fd, Patient: true, Ahead: ahead}); err != nil {
		return err
	}
	c.Resize()
	return nil
}

// ours says whether we may read the terminal: it is not our controlling
// terminal, or our process group is in its foreground.
func ours(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}

func (s *shim) resizeConsole() {
	if s.console.Console != nil {
		s.console.Resize()
	}
}

// drainConsole passes on the last words of a container that has ended.
func (s *shim) drainConsole() {
	if s.console.Console != nil {
		s.console.Drain()
	}
}

// closeConsole ends this life's terminals.
func (s *shim) closeConsole() {
	if s.console.ttys != nil {
		s.console.ttys.Close()
		s.console.ttys = nil
	}
	if s.console.Console != nil {
		s.console.Console.Close()
		s.console.Console = nil
	}
}

// restoreTerminal gives the caller's terminal back as it was.
func (s *shim) restoreTerminal() {
	if s.console.cooked != nil {
		terminal.Restore(int(s.files[handover.Peer].Fd()), s.console.cooked)
		s.console.cooked = nil
	}
}

// getTTY hands a terminal out for as long as the connection lasts.
func (s *shim) getTTY(c *client, r *command.Request) answer {
	n, ptx, err := s.console.ttys.Take(r.Int(), c.FD())
	if err != nil {
		s.log.Debug("tty ", strconv.Itoa(r.Int()), ": ", err.Error())
		return answer{Response: command.Fail(unix.EBADF)}
	}
	return answer{Response: command.Int(n), fds: []int{ptx}, keep: true}
}

func (s *shim) releaseTTYs(c *client) {
	if s.console.ttys != nil {
		s.console.ttys.Release(c.FD())
	}
}

// consoleLog serves the ring buffer.
func (s *shim) consoleLog(_ *client, r *command.Request) answer {
	ask, err := command.ParseLogRequest(r.Payload)
	if err != nil {
		return answer{Response: command.Fail(unix.EINVAL)}
	}
	if s.console.Console == nil || s.console.Ring() == nil {
		return answer{Response: command.Fail(unix.EFAULT)}
	}
	ring := s.console.Ring()
	if ask.Read && ring.Len() == 0 {
		return answer{Response: command.Fail(unix.ENODATA)}
	}
	a := answer{Response: command.Done()}
	if ask.Read {
		a.Data = append([]byte(nil), ring.Read(ask.Max)...)
	}
	switch {
	case ask.Clear:
		ring.Clear()
	case ask.Read:
		ring.Advance(len(a.Data))
	}
	return a
}
