package shim

import (
	"slices"
	"time"

	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"golang.org/x/sys/unix"
)

// freezing is a FREEZE or UNFREEZE that is not done yet: a process that sits in
// the kernel can make it last. The loop serves others meanwhile.
type freezing struct {
	*cgroup.Freezing
	frozen  bool
	after   command.State
	clients []*client // who asked for it and still waits
	began   time.Time
	limit   time.Duration // negative for none
	timer   int           // 0 for none
}

func (s *shim) freeze(c *client, r *command.Request) answer {
	return s.beginFreezing(c, r, &freezing{frozen: true, after: command.Frozen}, command.Freezing)
}

func (s *shim) unfreeze(c *client, r *command.Request) answer {
	return s.beginFreezing(c, r, &freezing{frozen: false, after: command.Running}, command.Thawed)
}

// beginFreezing replaces a request that is not done yet. Whoever waits for the
// same goes on waiting.
func (s *shim) beginFreezing(c *client, r *command.Request, f *freezing, during command.State) answer {
	if s.ended {
		return answer{Response: command.Fail(unix.ESRCH)}
	}
	var err error
	if f.Freezing, err = s.cgroups.BeginFreeze(f.frozen); err != nil {
		s.log.Error("freezer: ", err.Error())
		return answer{Response: command.Fail(errnoOf(err))}
	}
	f.clients, f.began, f.limit = []*client{c}, time.Now(), time.Duration(r.Int())*time.Second
	if was := s.freezing; was != nil && was.frozen == f.frozen {
		f.clients, was.clients = append(f.clients, was.clients...), nil
	}
	s.endFreezing(command.Fail(unix.ECANCELED))
	s.freezing, c.held = f, true
	s.enter(during)
	if err := s.watchFreezing(); err != nil {
		s.failFreezing(err)
	} else {
		s.lookFreezing()
	}
	return answer{silent: true}
}

// look is how often a freezer is looked at that does not tell of its changes,
// in nanoseconds.
const look = 10e6

// watchFreezing has lookFreezing called when the cgroup may have settled, and
// when the time is over.
func (s *shim) watchFreezing() (err error) {
	f := s.freezing
	if fd := f.FD(); fd >= 0 {
		if err := s.watch(fd, unix.EPOLLPRI, func(uint32) { s.lookFreezing() }); err != nil || f.limit <= 0 {
			return err
		}
		f.timer, err = s.every(f.limit, s.lookFreezing)
		return err
	}
	f.timer, err = s.every(look, s.lookFreezing)
	return err
}

// lookFreezing answers when the container is frozen, or goes on, or has not
// become so in time.
func (s *shim) lookFreezing() {
	f := s.freezing
	settled, err := f.Settled()
	if err == nil && !settled && f.limit > 0 && time.Since(f.began) >= f.limit {
		err = unix.ETIMEDOUT
	}
	switch {
	case err != nil:
		s.failFreezing(err)
	case settled || f.limit == 0:
		s.enter(f.after)
		s.endFreezing(command.Done())
	}
}

// failFreezing lets the container run on, rather than leave it in between.
func (s *shim) failFreezing(err error) {
	s.log.Error("freezer: ", err.Error())
	if s.freezing.frozen {
		s.cgroups.Freeze(false, 0)
	}
	s.enter(command.Running)
	s.endFreezing(command.Fail(errnoOf(err)))
}

// endFreezing answers who has asked for it, if anybody has.
func (s *shim) endFreezing(r command.Response) {
	f := s.freezing
	if f == nil {
		return
	}
	s.freezing = nil
	if fd := f.FD(); fd >= 0 {
		s.forget(fd)
	}
	f.Close()
	s.stopTimer(f.timer)
	for _, c := range f.clients {
		c.Reply(r)
		s.drop(c)
	}
}

// leaveFreezing takes a client that has gone off the list. What it wished for
// stays, as in LXC.
func (s *shim) leaveFreezing(c *client) {
	if f := s.freezing; f != nil {
		f.clients = slices.DeleteFunc(f.clients, func(other *client) bool { return other == c })
	}
}

// leaveFrozen ends a FREEZE that is not done yet.
func (s *shim) leaveFrozen() {
	if s.freezing != nil && s.freezing.frozen {
		s.failFreezing(unix.ECANCELED)
	}
}
