// Package attach runs a command inside a running container: in its
// namespaces and cgroups, under its restrictions, on a terminal of its own if
// the caller sits at one.
package attach

import (
	"errors"
	"fmt"
	"os"

	"gantry/internal/cleanup"
	"gantry/internal/sys"
	"gantry/pkg/capability"
	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"gantry/pkg/config"
	"gantry/pkg/container"
	"gantry/pkg/lsm"
	"gantry/pkg/namespace"
	"gantry/pkg/personality"
	"gantry/pkg/seccomp"
	"golang.org/x/sys/unix"
)

// Options says how Run runs a command inside a running container.
type Options struct {
	Namespaces     uint64     // CLONE_NEW* of the kinds to join; 0 is all the container has
	Elevated       Privileges // what the command keeps of the host's privileges
	Arch           int64      // persona for personality(2); -1 is the container's
	RemountSysProc bool       // -R: fresh /proc and /sys when the mount namespace is not joined
	ClearEnv       bool
	KeepVars       []string // names that survive ClearEnv
	SetVars        []string // NAME=VALUE
	PtyLog         string   // -L: file that receives a copy of the pty's output
	UID, GID       int64    // inside the container; -1 is its root's
	Context        string   // -c: security label of the command
	Command        []string // empty for the user's login shell
}

// Privileges are the restrictions of the container an attached command escapes.
type Privileges uint8

// The privileges lxc-attach -e names.
const (
	ElevateCgroup Privileges = 1 << iota // stay in the caller's cgroup
	ElevateCap                           // keep the capabilities
	ElevateLSM                           // keep the security label and the seccomp filter

	ElevateAll = ElevateCgroup | ElevateCap | ElevateLSM
)

// visit is one attachment: what is known of the container, and what was
// acquired for the command.
type visit struct {
	*container.Container
	Options
	open cleanup.Stack
	cfg  *config.Config

	pid   int            // of the init
	pidfd *os.File       // of the init
	join  uint64         // CLONE_NEW* to join
	root  *os.File       // the init's root directory
	bound capability.Set // the init's bounding set
	own   capability.Set // what this process may do

	noNewPrivs bool
	newKeyring bool

	cgroups []int // directories to enter, if any
	leaf    *os.File
	env     []string
	argv    []string
	label   lsm.Change
	filter  seccomp.Program
	ours    *os.File // where the child hands the listener over of a filter that notifies
	theirs  *os.File // and its end; both nil without one
	ptx     *os.File // nil without a pty
	pts     *os.File
	log     *os.File // copy of what the pty shows; nil for none
}

// Run runs a command inside the container and waits for it. The code is what
// the tool exits with: the command's own status, 128 + N when signal N killed
// it, 126 or 127 when it could not be executed.
func Run(c *container.Container, o Options) (code int, err error) {
	v := &visit{Container: c, Options: o}
	defer v.open.Run()
	for _, step := range []func() error{v.configure, v.find, v.chooseNamespaces, v.look, v.alive, v.findCgroups, v.environment, v.openLog, v.openPty} {
		if err := step(); err != nil {
			return 1, err
		}
	}
	return v.run()
}

// configure reads the configuration: first of all, since it says where to log.
func (v *visit) configure() (err error) {
	v.cfg, err = v.Config()
	return err
}

// find gets hold of the container's init. Its pid is that of the pidfd: asked
// for one after the other, they could be those of two lives of the container.
func (v *visit) find() (err error) {
	if v.pidfd, err = v.Client().InitPidfd(); err != nil {
		if errors.Is(err, command.ErrNotRunning) {
			return v.NotRunning(" (start it first)")
		}
		return err
	}
	v.open.Add(func() { v.pidfd.Close() })
	v.pid, err = sys.PidOf(v.pidfd)
	return err
}

// alive makes sure that what was read of the init's pid was read of the init:
// the pid can have become another process's only after its end.
func (v *visit) alive() error {
	if err := unix.PidfdSendSignal(int(v.pidfd.Fd()), 0, nil, 0); err != nil {
		return fmt.Errorf("%s has just stopped: %w", v.Name, err)
	}
	return nil
}

// chooseNamespaces settles what to join: of the namespaces asked for, or all,
// those that are not the caller's own, which cannot be joined again.
func (v *visit) chooseNamespaces() error {
	differing, err := namespace.Differing(0, v.pid)
	if err != nil {
		return err
	}
	v.join = differing
	if v.Namespaces != 0 {
		v.join &= v.Namespaces
	}
	return nil
}

// look reads what the command is to share with the init.
func (v *visit) look() (err error) {
	root := fmt.Sprintf("/proc/%d/root", v.pid)
	if v.root, err = os.OpenFile(root, unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	v.open.Add(func() { v.root.Close() })
	status, err := capability.StatusOf(v.pid)
	if err != nil {
		return err
	}
	own, err := capability.StatusOf(0)
	if err != nil {
		return err
	}
	v.bound, v.own = status.Bounding, own.Permitted
	if err := v.lookAtConfig(); err != nil {
		return err
	}
	if v.Arch < 0 {
		arch, ok, err := v.Client().ConfigItem("lxc.arch")
		if err != nil {
			return err
		}
		if ok {
			if v.Arch, err = personality.Parse(arch); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookAtConfig asks the monitor for the restrictions that cannot be seen of the
// init from outside. Without an answer there is no command: it would run without
// them.
func (v *visit) lookAtConfig() error {
	items := map[string]string{"lxc.no_new_privs": "", "lxc.seccomp.profile": "", "lxc.seccomp.allow_nesting": "", "lxc.seccomp.notify.proxy": ""}
	for key := range items {
		value, _, err := v.Client().ConfigItem(key)
		if err != nil {
			return fmt.Errorf("%s of the container: %w", key, err)
		}
		items[key] = value
	}
	v.noNewPrivs = items["lxc.no_new_privs"] == "1"
	if v.Elevated&ElevateLSM != 0 {
		return nil
	}
	err := v.chooseLabel()
	if err != nil {
		return err
	}
	v.filter, err = seccomp.FilterOf(items["lxc.seccomp.profile"], items["lxc.seccomp.allow_nesting"] == "1", v.Log)
	if err != nil || !v.filter.Notifies {
		return err
	}
	if items["lxc.seccomp.notify.proxy"] == "" {
		return errors.New(items["lxc.seccomp.profile"] + ": nobody decides calls with the action notify (lxc.seccomp.notify.proxy names who does, -e LSM leaves the filter out)")
	}
	return v.openCalls()
}

// chooseLabel settles the security label: the one asked for, or the init's.
func (v *visit) chooseLabel() error {
	module, label := lsm.Detect(), v.Context
	if label == "" {
		var err error
		if label, err = module.Label(v.pid); err != nil {
			return fmt.Errorf("%s label of %s: %w", module.Name(), v.Name, err)
		}
	} else if module.Name() == "none" {
		v.Log.Warn("this kernel has no security labels: --context=", label, " has no effect")
	}
	v.label = module.Enter(label)
	return nil
}

// findCgroups asks for the cgroups the command is to be in.
func (v *visit) findCgroups() error {
	if v.Elevated&ElevateCgroup != 0 {
		return nil
	}
	ctx, dirs, err := v.Client().CgroupCtx()
	if err != nil {
		return fmt.Errorf("cgroups of the container: %w", err)
	}
	for _, d := range dirs {
		v.cgroups = append(v.cgroups, int(d.Fd()))
		v.open.Add(func() { d.Close() })
	}
	if ctx.Layout != command.Unified || len(dirs) == 0 {
		return nil
	}
	if v.leaf, err = cgroup.Leaf(v.cgroups[0]); err != nil {
		return err
	}
	v.open.Add(func() { v.leaf.Close() })
	return nil
}

// hasNamespace says whether a kind will be joined.
func (v *visit) hasNamespace(flag uint64) bool { return v.join&flag != 0 }
