package stage

import (
	"syscall"
	"time"

	"gantry/pkg/capability"
	"gantry/pkg/cgroup"
	"gantry/pkg/cgroup/device"
	"gantry/pkg/idmap"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// killLimit is how long processes may take to leave the cgroups of a container
// that has ended.
const killLimit = 5 * time.Second

// cgroups are the container's, from their making to their removal.
type cgroups struct {
	set    *cgroup.Set
	made   *task
	unmake bool // the monitor's too, because this start made them
}

// createCgroups makes the cgroups, beside other work. At a reboot the
// monitor's are there, and the shim lives in them.
func (r *run) createCgroups() error {
	c := &r.cgroup
	if r.sibling {
		c.made = spawn(func() error { return c.set.Renew(r.plan.Cgroup, r.Log) })
		return nil
	}
	host, err := cgroup.Detect(r.plan.Cgroup, r.Log)
	if err != nil {
		return err
	}
	c.unmake = true
	c.made = spawn(func() (err error) {
		c.set, err = host.Create(r.plan.Cgroup, r.plan.Name, r.plan.LXCPath+"/"+r.plan.Name, r.Log)
		return err
	})
	r.undo.Add(r.removeCgroups)
	return nil
}

// removeCgroups undoes createCgroups.
func (r *run) removeCgroups() {
	c := &r.cgroup
	if c.made.wait() != nil {
		return
	}
	err := c.set.RemovePayload(killLimit)
	if err == nil && c.unmake {
		if r.plan.Daemon {
			err = c.set.RemoveMonitor(killLimit)
		} else {
			err = c.set.LeaveMonitor()
		}
	}
	if err != nil {
		r.Log.Warn("cgroups: ", err.Error())
	}
}

// awaitCgroups waits for the cgroups as far as the birth needs them: on a
// unified host launcher and init are born in theirs.
func (r *run) awaitCgroups() error {
	c := &r.cgroup
	if err := c.made.wait(); err != nil {
		return err
	}
	if h, ok := c.set.Unified(); ok {
		dir, err := cgroup.Open(h.Dir(c.set.Payload))
		if err != nil {
			return err
		}
		r.in.Cgroup = dir
		r.open.Add(func() { dir.Close() })
	}
	return r.cgroupMounts()
}

// cgroupMounts finds out what lxc.mount.auto = cgroup means on this host.
func (r *run) cgroupMounts() error {
	admin := !capability.Dropped(r.plan.Init.Caps, capability.Last()).Has(unix.CAP_SYS_ADMIN)
	for _, s := range r.plan.Steps {
		if s.Op != plan.OpCgroups {
			continue
		}
		steps, err := r.cgroup.set.MountSteps(s.Source, r.has("cgroup"), admin)
		if err != nil {
			return at(s.Origin, err)
		}
		r.in.CgroupMounts = steps
	}
	return nil
}

// bornIn lets the launcher be born in the monitor's cgroup of a unified host.
func (r *run) bornIn(attr *syscall.SysProcAttr) error {
	h, ok := r.cgroup.set.Unified()
	if !ok || r.sibling || !r.plan.Daemon {
		return nil
	}
	dir, err := cgroup.Open(h.Dir(r.cgroup.set.Monitor))
	if err != nil {
		return err
	}
	r.open.Add(func() { dir.Close() })
	attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	return nil
}

// enterCgroups puts monitor and init into their cgroups and sets the limits.
func (r *run) enterCgroups() error {
	set := r.cgroup.set
	if err := r.enterMonitor(); err != nil {
		return err
	}
	if err := set.Limits(r.plan.Cgroup, r.Log); err != nil {
		return err
	}
	if len(r.plan.IDMaps) > 0 {
		// They stay the caller's, who has to put processes there; the
		// container's root comes by its group.
		_, gid, _ := idmap.Root(r.plan.IDMaps, 'g', r.plan.Init.GID)
		if err := set.Delegate(-1, int(gid)); err != nil {
			return err
		}
	}
	return set.EnterPayload(r.pid, r.in.Cgroup != nil)
}

func (r *run) enterMonitor() error {
	set := r.cgroup.set
	_, unified := set.Unified()
	switch {
	case r.sibling:
		return nil
	case !r.plan.Daemon:
		return set.EnterMonitor(0)
	case unified:
		return nil
	}
	return set.EnterMonitor(r.process.Pid)
}

// limitDevices comes last: the child makes device nodes before.
func (r *run) limitDevices() error { return device.Limit(r.cgroup.set, r.plan.Cgroup, r.Log) }
