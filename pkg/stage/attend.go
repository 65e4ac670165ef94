package stage

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"gantry/pkg/idmap"
	"gantry/pkg/namespace"
	"gantry/pkg/network"
	"gantry/pkg/plan"
	"gantry/pkg/rlimit"
	"golang.org/x/sys/unix"
)

// spawnTasks starts what the barriers wait for.
func (r *run) spawnTasks() {
	ids := spawn(r.writeMaps)
	cgroup := spawn(r.enterCgroups)
	network := spawn(r.connect)
	r.tasks = map[string]*task{
		"ids":     ids,
		"cgroup":  cgroup,
		"network": network,
		"go": spawn(func() error {
			if err := errors.Join(ids.wait(), cgroup.wait(), network.wait()); err != nil {
				return err
			}
			return r.lastWork()
		}),
	}
	if r.in.Filter.Notifies {
		r.tasks["calls"] = spawn(r.take)
	}
}

// attend lets the child pass its barriers and waits until it has run exec.
func (r *run) attend() error {
	for _, name := range r.waits() {
		if err := r.await(r.tasks[name]); err != nil {
			return err
		}
		if name == "go" {
			// The init will run: from here on there is no way back.
			if err := r.holdSignals(); err != nil {
				return err
			}
		}
		if _, err := r.barrier.Write([]byte{0}); err != nil {
			return r.untimely()
		}
	}
	if _, err := r.listen(nil); err != nil {
		return err
	}
	if !r.plan.Daemon && !r.sibling {
		r.process.Process.Wait() // the launcher, which has ended
	}
	// A plan without a barrier may have run ahead of the tasks.
	if err := r.tasks["go"].wait(); err != nil {
		return err
	}
	if !r.executed {
		return errors.New("the init was killed before it could run (out of memory?)")
	}
	r.passSignals()
	return nil
}

// await waits for a task, or for the failure of the child.
func (r *run) await(t *task) error {
	over, err := r.listen(t.done)
	switch {
	case err != nil:
		return err
	case over:
		return r.untimely()
	}
	return r.cause(t.err)
}

// listen takes the child's reports in until there are no more (over), or until
// the channel is closed. Its error is the child's, or the signal that ends the
// start.
func (r *run) listen(until <-chan struct{}) (over bool, err error) {
	for {
		select {
		case <-r.ctx.Done():
			return false, context.Cause(r.ctx)
		case <-until:
			return false, nil
		case report, ok := <-r.reports:
			if !ok {
				return true, nil
			}
			if err := r.note(report); err != nil {
				return false, err
			}
		}
	}
}

// holdSignals lets signals wait for the init, which is not there yet to take
// them. One that a start hook, or whoever traces it, keeps from its exec does
// not keep the caller from ending the start.
func (r *run) holdSignals() error {
	const patience = time.Second
	return r.guard.Hold(patience)
}

// passSignals gives the init the signals that are its own in the foreground,
// until the shim does. Those of a daemon's start, or of a reboot, come too late.
func (r *run) passSignals() {
	r.guard.Pass(func(s syscall.Signal) {
		switch {
		case r.plan.Daemon || r.sibling:
			return
		case s == unix.SIGHUP:
			s = unix.SIGTERM // as the shim does
		}
		unix.PidfdSendSignal(int(r.pidfd.Fd()), s, nil, 0)
	})
}

// writeMaps gives the new user namespace its ids.
func (r *run) writeMaps() error {
	if len(r.plan.IDMaps) == 0 || !r.makes("user") {
		return nil
	}
	return idmap.Write(r.pid, r.plan.IDMaps, caller())
}

// connect makes the network devices.
func (r *run) connect() (err error) {
	if len(r.plan.Networks) == 0 || !r.makes("net") {
		return nil
	}
	if r.netns, err = namespace.Open(r.pid, "net"); err != nil {
		return err
	}
	if r.live, err = network.Create(r.plan.Networks, r.netns, r.script, r.Log); err != nil {
		return err
	}
	return network.Configure(r.plan.Networks, r.live, r.netns)
}

// lastWork is what has to be done while the child waits for its exec.
func (r *run) lastWork() error {
	for _, w := range r.plan.Proc {
		f, err := os.OpenFile(procPath(r.pid, w.Path), os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(w.Value)
			f.Close()
		}
		if err != nil {
			return at(w.Origin, err)
		}
	}
	if r.hasHooks("start-host") || r.finishes() || r.restricts() {
		// The init must stand behind its barrier while they run, and while its
		// namespaces are opened: it may end as soon as it may run. Until it does
		// it needs what limits take away: device nodes, ptys, descriptors.
		select {
		case <-r.arrived:
		case <-r.over:
			return nil
		}
	}
	if r.finishes() {
		if err := r.keepNamespaces(true); err != nil {
			return err
		}
	}
	for _, l := range r.plan.Limits {
		if err := rlimit.Set(r.pid, l.Resource, l.Soft, l.Hard); err != nil {
			return at(l.Origin, err)
		}
	}
	if err := r.limitDevices(); err != nil {
		return err
	}
	return r.hooks("start-host", r.env())
}

// restricts says whether lastWork takes something from the init.
func (r *run) restricts() bool {
	devices := func(w plan.CgroupWrite) bool { return strings.HasPrefix(w.File, "devices.") }
	c := r.plan.Cgroup
	return len(r.plan.Limits) > 0 || slices.ContainsFunc(c.Legacy, devices) || slices.ContainsFunc(c.Unified, devices)
}
