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

// createCgroups makes the cgroups, beside other work. At a reboot the
// monitor's are there, and the shim lives in them.
func (r *run) createCgroups() error {
	if r.sibling {
		r.host = r.cgroups.Host
		r.made = spawn(func() error { return r.cgroups.Renew(r.plan.Cgroup, r.Log) })
		return nil
	}
	var err error
	if r.host, err = cgroup.Detect(r.plan.Cgroup, r.Log); err != nil {
		return err
	}
	r.made = spawn(func() (err error) {
		r.cgroups, err = r.host.Create(r.plan.Cgroup, r.plan.Name, r.plan.LXCPath+"/"+r.plan.Name, r.Log)
		return err
	})
	r.undo.Add(r.removeCgroups)
	return nil
}

// removeCgroups undoes createCgroups.
func (r *run) removeCgroups() {
	if r.made.wait() != nil {
		return
	}
	err := r.cgroups.RemovePayload(killLimit)
	switch {
	case err != nil:
	case r.plan.Daemon:
		err = r.cgroups.RemoveMonitor(killLimit)
	default:
		err = r.cgroups.LeaveMonitor()
	}
	if err != nil {
		r.Log.Warn("cgroups: ", err.Error())
	}
}

// awaitCgroups waits for the cgroups if the birth needs them: on a unified
// host launcher and init are born in theirs, and some mounts name them.
// Elsewhere the init is put into them while it mounts.
func (r *run) awaitCgroups() error {
	if r.host.Layout != cgroup.Unified {
		steps, err := r.cgroupMounts(&cgroup.Set{Host: r.host})
		if err != nil || len(steps) == 0 {
			return err
		}
	}
	if err := r.made.wait(); err != nil {
		return err
	}
	var err error
	if r.in.Cgroup, err = r.cgroups.PayloadFile(); err != nil {
		return err
	}
	if r.in.Cgroup != nil {
		r.closeLater(r.in.Cgroup)
	}
	r.in.CgroupMounts, err = r.cgroupMounts(r.cgroups)
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
	if r.host.Layout != cgroup.Unified || r.sibling || !r.plan.Daemon {
		return nil // the cgroups may still be in the making
	}
	dir, err := r.cgroups.MonitorFile()
	if err != nil {
		return err
	}
	r.closeLater(dir)
	attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	return nil
}

// enterCgroups puts monitor and init into their cgroups and sets the limits.
func (r *run) enterCgroups() error {
	if err := r.made.wait(); err != nil {
		return err
	}
	set := r.cgroups
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
	set := r.cgroups
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
func (r *run) limitDevices() error { return device.Limit(r.cgroups, r.plan.Cgroup, r.Log) }
