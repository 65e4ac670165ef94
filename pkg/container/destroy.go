package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"gantry/pkg/hook"
	"gantry/pkg/plan"
	"gantry/pkg/storage"
)

// DestroyOptions says how Destroy removes a container.
type DestroyOptions struct {
	Force     bool // -f: stop it first
	Snapshots bool // -s: its snapshots too
}

// Destroy deletes a stopped container: its directory, and its root file system
// if lxc-create made it. It refuses one that runs unless forced, one with
// snapshots unless told to delete them too, and one with clones: their root
// file systems need its own. What is refused is not even stopped. One that is
// not defined is ErrNotDefined, and a directory of that name is left alone. An
// error names what is in the way; what has been deleted by then is gone, and
// the next Destroy goes on.
func Destroy(c *Container, o DestroyOptions) error {
	if !c.Defined() {
		return ErrNotDefined
	}
	err := destroyDefined(c, o)
	if errors.Is(err, fs.ErrNotExist) && !c.Defined() {
		return ErrNotDefined // somebody else was quicker
	}
	return err
}

func destroyDefined(c *Container, o DestroyOptions) error {
	conf, err := c.Config()
	if err != nil {
		return err
	}
	if err := independent(c, o); err != nil {
		return err
	}
	ephemeral := conf.Ephemeral.V
	ran, err := stopped(c, o.Force)
	if err != nil {
		return err
	}
	if ran && ephemeral {
		return nil // its monitor deletes it
	}
	err = c.reserved(func() error { return destroyStopped(c, o) })
	if errors.Is(err, ErrRunning) {
		return fmt.Errorf("%s has been started meanwhile: %w", c.Name, err)
	}
	return err
}

// destroyStopped destroys a container that nobody can start any more.
func destroyStopped(c *Container, o DestroyOptions) error {
	if err := c.removeCgroups(true); err != nil {
		c.Log.Warn("clearing up after ", c.Name, ": ", err.Error())
	}
	if err := independent(c, o); err != nil { // it may have been cloned meanwhile
		return err
	}
	snapshots, err := snapshots(c)
	if err != nil {
		return err
	}
	for _, s := range snapshots {
		if err := Destroy(s, DestroyOptions{}); err != nil {
			return fmt.Errorf("snapshot %s: %w", s.Name, err)
		}
	}
	return destroy(c)
}

// stopped makes sure that the container does not run; ran says that it did.
func stopped(c *Container, force bool) (ran bool, err error) {
	running, err := c.Running()
	if err != nil || !running {
		return false, err
	}
	if !force {
		return true, fmt.Errorf("%s is running (use -f to stop it first)", c.Name)
	}
	return true, c.Client().Stop()
}

// independent refuses a container others need. As in LXC, -s is not for clones,
// and -f not for snapshots.
func independent(c *Container, o DestroyOptions) error {
	clones, err := storage.Clones(c.Dir())
	if err != nil {
		return err
	}
	if len(clones) > 0 {
		return fmt.Errorf("destroying %s failed: %s has clones (destroy them first: %s)", c.Name, c.Name, strings.Join(clones, ", "))
	}
	snapshots, err := snapshots(c)
	if err != nil {
		return err
	}
	if len(snapshots) > 0 && !o.Snapshots {
		return fmt.Errorf("destroying %s failed: %s has snapshots (use -s to delete them too)", c.Name, c.Name)
	}
	for _, s := range snapshots {
		err := ErrNotDefined
		if s.Defined() {
			_, err = stopped(s, false)
		}
		if err == nil {
			err = independent(s, DestroyOptions{})
		}
		if err != nil {
			return fmt.Errorf("snapshot %s: %w", s.Name, err)
		}
	}
	return nil
}

// snapshots are the container's snapshots, containers themselves.
func snapshots(c *Container) ([]*Container, error) {
	names, err := storage.Snapshots(c.Dir())
	var list []*Container
	for _, name := range names {
		list = append(list, c.sibling(storage.SnapshotPath(c.Dir()), name))
	}
	return list, err
}

// sibling is another container, seen by the same tool.
func (c *Container) sibling(lxcpath, name string) *Container {
	return &Container{Name: name, LXCPath: lxcpath, LogFile: c.LogFile, Log: c.Log, Paths: c.Paths, System: c.System}
}

// destroy deletes what belongs to the container and to nobody else.
func destroy(c *Container) error {
	unlock, err := c.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	conf := c.config
	if err := c.runDestroyHooks(); err != nil {
		return err
	}
	if !conf.Rootfs.Managed.V {
		return nil // as in LXC: the container stays, with all it has
	}
	rootfs := storage.Rootfs{Type: conf.Rootfs.Path.V.Type, Path: conf.Rootfs.Path.V.Path}
	return storage.Container{LXCPath: c.LXCPath, Name: c.Name, Rootfs: rootfs, Lock: c.LockOther}.Destroy()
}

// runDestroyHooks runs lxc.hook.destroy. A hook that fails forbids the
// destruction.
func (c *Container) runDestroyHooks() error {
	conf := c.config
	env := []string{"LXC_NAME=" + c.Name, "LXC_CONFIG_FILE=" + c.ConfigFile()}
	for name, value := range map[string]string{
		"LXC_ROOTFS_MOUNT":    conf.Rootfs.Mount.V,
		"LXC_ROOTFS_PATH":     conf.Rootfs.Path.V.Path,
		"LXC_CONSOLE":         conf.Console.Path.V,
		"LXC_CONSOLE_LOGPATH": conf.Console.LogFile.V,
	} {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	for _, h := range conf.Hooks.Destroy {
		call := hook.Call{
			Hook:    plan.Hook{Stage: "destroy", Section: "lxc", Command: h.V, Origin: h.Origin},
			Name:    c.Name,
			Version: int(conf.Hooks.Version.V),
			Stdin:   os.Stdin,
		}
		if err := call.Run(context.Background(), hook.Merge(os.Environ(), env), c.Log); err != nil {
			return err
		}
	}
	return nil
}
