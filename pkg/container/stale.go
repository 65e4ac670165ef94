package container

import (
	"errors"

	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"gantry/pkg/plan/compile"
)

// clearStale removes the cgroups of a container whose monitor, or whose start,
// was killed. Nobody else does before the next start: what is left of such a
// container is not running. The name is kept from starting meanwhile.
func (c *Container) clearStale() {
	listener, err := command.Listen(c.LXCPath, c.Name)
	if errors.Is(err, command.ErrInUse) {
		return // it runs after all
	}
	if err == nil {
		defer listener.Close()
		err = c.removeCgroups()
	}
	if err != nil {
		c.Log.Warn("clearing up after ", c.Name, ": ", err.Error())
	}
}

func (c *Container) removeCgroups() error {
	conf, err := c.Config()
	if err != nil {
		return err
	}
	where := compile.Cgroup(conf, c.System.CgroupPattern(c.Name), c.System.CgroupUse())
	host, err := cgroup.Detect(where, c.Log)
	if err != nil {
		return err
	}
	return host.RemoveStale(where, c.Name, c.Dir(), true)
}
