// Package stage carries a plan out: it acquires what a container needs, lets
// its first process be born and run the plan's steps, hands the container to
// its shim, and at the end takes everything down again.
//
// Three roads lead through the same code:
//
//	lxc-start -d   Start: the launcher becomes the shim, Start returns
//	lxc-start -F   Start: this process becomes the shim
//	lxc-stage      Restart and Finish: the shim's helper, at a reboot and at the end
//
// Set-up and the child meet at barriers. The child waits where its plan has a
// wait step; set-up works on what the barriers stand for at the same time, and
// lets the child pass in the plan's order.
//
//	set-up                              child
//	hooks pre-start
//	cgroups, ptys, filters, ...
//	launch ───────────────────────────> born
//	id maps ───────────────── ids ────> root of its user namespace, mounts
//	cgroups, limits ───────── cgroup ─> cgroup namespace
//	links, addresses ──────── network > hooks, pivot, credentials
//	start-host hooks, devices ── go ──> exec
//	hand over to the shim <── end of the report pipe
//
// A failure anywhere undoes what was acquired in reverse order. A set-up that
// is killed leaves nothing that lives: the child dies with the launcher, the
// launcher when its socket closes.
package stage

import (
	"context"
	"errors"
	"io"
	"os"

	"gantry/internal/cleanup"
	"gantry/internal/log"
	"gantry/internal/sys"
	"gantry/pkg/cgroup"
	"gantry/pkg/handover"
	"gantry/pkg/interrupt"
	"gantry/pkg/network"
	"gantry/pkg/plan"
	"gantry/pkg/stage/child"
	"golang.org/x/sys/unix"
)

// Options say how a plan is carried out.
type Options struct {
	Prog        string      // the tool: lxc-start, lxc-execute
	Log         *log.Logger // nil is fine
	LogFile     *os.File    // what Log writes to, for the shim; or nil
	Syslog      string      // facility of syslog(3) that Log writes to, for the shim; or empty
	Listener    *os.File    // the bound command socket; Start closes it
	Environ     []string    // the caller's environment, for hooks
	Listen      []*os.File  // socket activation
	PidFile     string      // absolute; empty for none
	Answers     []Answer    // what GET_CONFIG_ITEM may be asked for
	MonitorFifo string      // lxc-monitord's, if it runs
	Shim        string      // path of lxc-shim
	Stage       string      // path of lxc-stage
	Argv        []string    // Foreground: what the shim's command line shall be
}

// An Answer is the value of one configuration item, as a getter gives it.
type Answer struct{ Key, Value string }

// run is one start under way.
type run struct {
	life
	sibling bool             // the init is our parent's child, as we are (lxc-stage)
	guard   *interrupt.Guard // of the signals that end the start
	undo    cleanup.Stack    // what a failure takes back
	open    cleanup.Stack    // descriptors, which no outcome needs afterwards
	over    chan struct{}    // closed when the start has failed

	host  cgroup.Host
	made  *task            // the cgroups
	tasks map[string]*task // what the barriers wait for
	netns *os.File

	in child.Inputs
	newborn
	calls   calls
	control *os.File // where the container is handed over
	shimEnd *os.File // and where the shim gets it
}

// Start starts a container. With plan.Daemon it returns when the container
// runs and its shim has it. Otherwise this process becomes the shim, and Start
// returns only to report a failure; it must then be called on the main thread,
// locked to it, because the init lives only as long as its parent thread.
//
// The error of a start that fails names the line of the configuration. A signal
// that comes before the init may run ends the start with an interrupt.Error;
// later ones are the init's in the foreground, and nobody's of a daemon.
func Start(pl *plan.Plan, o Options) error {
	r := &run{life: life{plan: pl, Options: o, files: handover.Files{handover.Listen: o.Listener}}}
	defer r.open.Run()
	defer r.undo.Run()
	r.closeLater(o.Listener)
	r.ctx, r.guard = interrupt.Watch()
	defer r.guard.Stop()
	if err := errors.Join(r.readMask(), r.openNull()); err != nil {
		return err
	}
	r.closeLater(r.null)
	if err := r.start(); err != nil {
		return r.abort(err)
	}
	if pl.Daemon {
		r.undo.Release()
		return nil
	}
	return r.abort(r.becomeShim())
}

// start goes the road from the first hook to the running container. extra is
// what pre-start hooks are told besides.
func (r *run) start(extra ...string) error {
	r.over = make(chan struct{})
	for _, step := range []func() error{
		func() error { return r.hooks("pre-start", r.env(extra...)) },
		r.acquire,
		r.build,
		r.launch,
		r.attend,
		r.handOver,
	} {
		if err := step(); err != nil {
			return err
		}
		if err := context.Cause(r.ctx); err != nil {
			return err
		}
	}
	return nil
}

// abort ends a start that failed: it kills what was born, undoes what was
// acquired, and runs the hooks of a stop, as LXC does. It is the end of an
// ephemeral container.
func (r *run) abort(err error) error {
	if cause := context.Cause(r.ctx); cause != nil {
		err = cause // the rest follows from it
	}
	close(r.over)
	r.kill()
	for _, t := range r.tasks {
		t.wait() // what it failed with is known, or follows from the end of the init
	}
	r.endCalls()
	r.calls.sent.Close()
	r.ctx = context.WithoutCancel(r.ctx)
	paths := r.namespacePaths()
	r.facts = append(r.facts, pathEnv(paths)...)
	if r.live != nil {
		err = errors.Join(err, network.Teardown(r.live, r.netns, r.script, r.Log))
	}
	err = errors.Join(err, r.hooks("stop", r.env("LXC_TARGET=stop"), pathArgs(paths)...))
	r.undo.Run()
	err = errors.Join(err, r.hooks("post-stop", r.env("LXC_TARGET=stop")))
	return errors.Join(err, r.perish())
}

// closeLater closes f when the start is over, however it ends.
func (r *run) closeLater(f io.Closer) { r.open.Add(func() { f.Close() }) }

// give gives the shim a file under its name in the handover.
func (r *run) give(name string, f *os.File) {
	r.files[name] = f
	r.closeLater(f)
}

// waits are the barriers of the plan in their order.
func (r *run) waits() (names []string) {
	for _, s := range r.plan.Steps {
		if s.Op == plan.OpWait || s.Op == plan.OpNetwork {
			names = append(names, barrierOf(s))
		}
	}
	return names
}

func barrierOf(s plan.Step) string {
	if s.Op == plan.OpNetwork {
		return "network"
	}
	return s.Stage
}

// readMask notes the signals the caller had blocked. The Go runtime leaves the
// mask of the main thread alone.
func (r *run) readMask() error {
	var mask unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, nil, &mask); err != nil {
		return sys.CallError("sigprocmask", err)
	}
	r.mask = mask.Val[0]
	return nil
}
