package stage

import (
	"context"
	"os"
	"slices"

	"gantry/pkg/cgroup"
	"gantry/pkg/handover"
	"gantry/pkg/network"
	"gantry/pkg/plan"
	"gantry/pkg/storage"
)

// A life is one life of a container, from its start or reboot to its end: what
// its hooks are told, and what its end takes down.
type life struct {
	plan *plan.Plan
	Options
	ctx  context.Context // its end kills hooks: a signal comes in time to undo the start
	mask uint64          // blocked signals of the caller
	null *os.File        // /dev/null, for hooks and init of a daemon

	files   handover.Files // what the shim has, or will get
	facts   []string       // what all hooks are told from now on
	cgroups *cgroup.Set    // once made
	live    []network.Live
}

// has says whether the plan makes or joins a namespace of that kind.
func (l *life) has(kind string) bool {
	return slices.ContainsFunc(l.plan.Namespaces, func(n plan.Namespace) bool { return n.Kind == kind })
}

// makes says whether the plan makes a new namespace of that kind.
func (l *life) makes(kind string) bool {
	return slices.ContainsFunc(l.plan.Namespaces, func(n plan.Namespace) bool { return n.Kind == kind && n.Share == "" })
}

// openNull opens /dev/null.
func (l *life) openNull() (err error) {
	l.null, err = os.OpenFile("/dev/null", os.O_RDWR, 0)
	return err
}

// finishes says whether the end of the container is more than the shim can do
// alone.
func (l *life) finishes() bool {
	return l.hasHooks("stop") || l.hasHooks("post-stop") || network.NeedsTeardown(l.live) ||
		l.plan.Ephemeral || l.unloads()
}

func (l *life) hasHooks(stage string) bool {
	for _, h := range l.plan.Hooks {
		if h.Stage == stage {
			return true
		}
	}
	return false
}

// perish deletes an ephemeral container after the end of its last life, or
// what would have been its first.
func (l *life) perish() error {
	if !l.plan.Ephemeral {
		return nil
	}
	rootfs := storage.Rootfs{Type: l.plan.Rootfs.Type, Path: l.plan.Rootfs.Path}
	return storage.Container{LXCPath: l.plan.LXCPath, Name: l.plan.Name, Rootfs: rootfs}.Destroy()
}
