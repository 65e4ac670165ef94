package container

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"gantry/pkg/plan/compile"
)

// Reserve binds the container's command socket: as long as the caller has it
// nobody can start the container. One that runs is ErrRunning. A shim that has
// announced its end frees the name a moment later; who asks for its state
// meanwhile waits for that moment.
func (c *Container) Reserve() (*os.File, error) {
	const patience = 2 * time.Second
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		listener, err := command.Listen(c.LXCPath, c.Name)
		if !errors.Is(err, command.ErrInUse) {
			return listener, err
		}
		if running, _ := c.Running(); running || time.Since(began) > patience {
			return nil, ErrRunning
		}
	}
}

// reserved runs f while nobody can start the container. Who asks for its state
// meanwhile is told by the end of the connection: stopped.
func (c *Container) reserved(f func() error) error {
	listener, err := c.Reserve()
	if err != nil {
		return err
	}
	defer listener.Close()
	fd := int(listener.Fd())
	defer unix.Shutdown(fd, unix.SHUT_RDWR) // wakes who waits in accept
	go func() {
		for {
			conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			switch err {
			case nil:
				unix.Close(conn)
			case unix.EINTR, unix.ECONNABORTED:
			default:
				return
			}
		}
	}()
	return f()
}

// clearStale removes the cgroups of a container whose monitor, or whose start,
// was killed. Nobody else does before the next start. An init that no
// parent-death signal has reached lives on: to everybody who asks it does not
// run, and it can be killed or left alone, nothing else.
func (c *Container) clearStale(kill bool) {
	err := c.reserved(func() error { return c.removeCgroups(kill) })
	if err != nil && !errors.Is(err, ErrRunning) {
		c.Log.Warn("clearing up after ", c.Name, ": ", err.Error())
	}
}

func (c *Container) removeCgroups(kill bool) error {
	conf, err := c.Config()
	if err != nil {
		return err
	}
	where, err := compile.Cgroup(conf, c.System.CgroupPattern(c.Name), c.System.CgroupUse())
	if err != nil {
		return err
	}
	host, err := cgroup.Detect(where, c.Log)
	if err != nil {
		return err
	}
	return host.RemoveStale(where, c.Name, c.Dir(), kill)
}
