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
	host   cgroup.Host
	set    *cgroup.Set // once made has been waited for
	made   *task
	unmake bool // the monitor's too, because this start made them
}

// createCgroups makes the cgroups, beside other work. At a reboot the
// monitor's are there, and the shim lives in them.
func (r *run) createCgroups() error {
	c := &r.cgroup
	if r.sibling {
		c.host = c.set.Host
		c.made = spawn(func() error { return c.set.Renew(r.plan.Cgroup, r.Log) })
		return nil
	}
	host, err := cgroup.Detect(r.plan.Cgroup, r.Log)
	if err != nil {
		return err
	}
	c.host, c.unmake = host, true
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

// awaitCgroups waits for the cgroups if the birth needs them: on a unified
// host launcher and init are born in theirs, and some mounts name them.
// Elsewhere the init is put into them while it mounts.
func (r *run) awaitCgroups() error {
	c := &r.cgroup
	if c.host.Layout != cgroup.Unified {
		steps, err := r.cgroupMounts(&cgroup.Set{Host: c.host})
		if err != nil || len(steps) == 0 {
			return err
		}
	}
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
	var err error
	r.in.CgroupMounts, err = r.cgroupMounts(c.set)
	return err
}

// cgroupMounts finds out what lxc.mount.auto = cgroup means on this host.
func (r *run) cgroupMounts(set *cgroup.Set) (steps []plan.Step, err error) {
	admin := !capability.Dropped(r.plan.Init.Caps, capability.Last()).Has(unix.CAP_SYS_ADMIN)
	for _, s := range r.plan.Steps {
		if s.Op != plan.OpCgroups {
			continue
		}
		if steps, err = set.MountSteps(s.Source, r.has("cgroup"), admin); err != nil {
			return nil, at(s.Origin, err)
		}
	}
	return steps, nil
}

// bornIn lets the launcher be born in the monitor's cgroup of a unified host.
func (r *run) bornIn(attr *syscall.SysProcAttr) error {
	if r.cgroup.host.Layout != cgroup.Unified || r.sibling || !r.plan.Daemon {
		return nil
	}
	h, _ := r.cgroup.set.Unified()
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
	if err := r.cgroup.made.wait(); err != nil {
		return err
	}
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
