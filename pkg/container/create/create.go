// Package create makes containers: a directory, a root file system that a
// template fills, a configuration.
package create

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"gantry/internal/cleanup"
	"gantry/pkg/config"
	"gantry/pkg/container"
	"gantry/pkg/idmap"
	"gantry/pkg/interrupt"
	"gantry/pkg/plan"
	"gantry/pkg/storage"
	"gantry/pkg/template"
)

// Container makes the container: its directory, a root file system filled by a
// template, and its configuration. When it fails, or a signal ends it
// (interrupt.Error), everything it has made is gone again; when the process is
// killed, whoever opens the container next removes it. What was there before
// stays. A container that is defined already is container.ErrExists.
//
//	directory ── partial, locked ── rootfs, config ── template ── header ── partial removed
func Container(c *container.Container, o Options) error {
	if c.Defined() {
		return container.ErrExists
	}
	k := creation{c: c, o: o}
	if help, err := k.prepare(); err != nil || help {
		return err
	}
	defer unix.Umask(unix.Umask(0o022))
	ctx, guard := interrupt.Watch()
	defer guard.Stop()
	var undo cleanup.Stack
	defer undo.Run()
	if err := k.begin(&undo); err != nil {
		return err
	}
	if err := k.fill(ctx); err != nil {
		return err
	}
	if err := k.finish(); err != nil {
		return err
	}
	undo.Release()
	return nil
}

// A creation is one Create under way.
type creation struct {
	c *container.Container
	o Options

	template *template.Template // nil for none
	config   *config.Config
	maps     []plan.IDMap
	given    bool // the configuration names a rootfs of the user's
	path     string
	partial  *storage.Partial
}

// prepare checks what can be checked before anything is made. help says that
// the user wanted nothing but help, and has got it.
func (k *creation) prepare() (help bool, err error) {
	if k.o.Template != "none" {
		if k.template, err = template.Find(k.c.Paths, k.o.Template); err != nil {
			return false, err
		}
		if os.Geteuid() != 0 {
			return false, errors.New("templates run as root only: creating containers as an ordinary user is not supported yet")
		}
	}
	if k.template != nil && k.template.Recipe != nil {
		if help, err = k.template.Recipe.WantsHelp(k.o.TemplateArgs); err != nil || help {
			k.template.Recipe.Help(os.Stdout)
			return help, err
		}
	}
	if err := k.load(); err != nil {
		return false, err
	}
	k.path = k.c.Dir() + "/rootfs"
	if k.o.Dir != "" {
		k.path = filepath.Clean(k.o.Dir)
	}
	if given := k.config.Rootfs.Path; given.V.Path != "" {
		k.given, k.path = true, given.V.Path
		if _, err := os.Stat(k.path); err != nil {
			return false, fmt.Errorf("%s: the rootfs %q does not exist", given.Origin, k.path)
		}
	}
	return false, nil
}

// load reads the configuration the container begins with.
func (k *creation) load() error {
	k.config = config.New(k.c.Paths.RootfsMount)
	file := k.o.Config
	if file == "" {
		file = k.c.System.DefaultConfig()
	}
	err := k.config.Load(file)
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, new(*config.Error)) && k.o.Config == "" {
		return nil // as LXC: a host without default.conf, not a line of it, has nothing to add
	}
	if err != nil {
		return err
	}
	for _, m := range k.config.IDMap {
		k.maps = append(k.maps, plan.IDMap{Kind: m.V.Kind, Inside: m.V.Inside, Host: m.V.Host, Count: m.V.Count, Origin: m.Origin})
	}
	return nil
}

// begin makes the container's directory and marks it. From then on undo clears
// everything away that is written down in the marker.
func (k *creation) begin(undo *cleanup.Stack) error {
	dir := k.c.Dir()
	if err := os.MkdirAll(k.c.LXCPath, 0o755); err != nil {
		return err
	}
	made, err := k.mark(dir)
	if err != nil {
		return err
	}
	if k.c.Defined() { // somebody was faster, and is done
		return errors.Join(container.ErrExists, k.partial.Remove())
	}
	undo.Add(k.clear)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 1 { // more than the marker: it was there before
		return nil
	}
	if err := k.partial.Add(dir); err != nil {
		return err
	}
	if err := k.own(dir); err != nil || !made {
		return err // an empty directory that was there keeps its mode
	}
	return os.Chmod(dir, 0o770)
}

// mark makes the directory unless it is there, and marks it. Somebody who looks
// at the container in between takes the directory for abandoned and removes it.
func (k *creation) mark(dir string) (made bool, err error) {
	const races = 10
	for range races {
		err = storage.Mkdir(dir)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return false, err
		}
		made = err == nil
		if k.partial, err = storage.Mark(dir); !errors.Is(err, fs.ErrNotExist) {
			return made, err
		}
	}
	return false, err
}

// clear deletes what has been made so far.
func (k *creation) clear() {
	s := storage.Container{LXCPath: k.c.LXCPath, Name: k.c.Name, Lock: k.c.LockOther}
	if err := s.Clear(k.partial); err != nil {
		k.c.Log.Error("cannot remove what was created: ", err.Error())
	}
}

// own gives path to the container's root.
func (k *creation) own(path string) error {
	if len(k.maps) == 0 {
		return nil
	}
	uid, gid, err := k.owner()
	if err != nil {
		return err
	}
	return os.Lchown(path, uid, gid)
}

func (k *creation) owner() (uid, gid int, err error) {
	_, u, okU := idmap.Root(k.maps, 'u', k.config.Init.UID.V)
	_, g, okG := idmap.Root(k.maps, 'g', k.config.Init.GID.V)
	if !okU || !okG {
		return 0, 0, fmt.Errorf("%s: no mapping for the container's root", k.maps[0].Origin)
	}
	return int(u), int(g), nil
}

// fill makes the root file system and runs the template.
func (k *creation) fill(ctx context.Context) error {
	if k.template == nil {
		return k.save()
	}
	if err := k.makeRootfs(); err != nil {
		return err
	}
	if err := k.save(); err != nil {
		return err
	}
	if err := k.runTemplate(ctx); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// makeRootfs makes the root file system unless the user has given one.
func (k *creation) makeRootfs() error {
	if k.given {
		return nil
	}
	rootfs, made, err := storage.Create(k.partial, k.o.Types, k.path)
	if err != nil {
		return err
	}
	if made {
		if err := k.own(k.path); err != nil {
			return err
		}
	}
	// LXC keeps the place below the container's directory for mounts.
	inside := k.c.Dir() + "/rootfs"
	if inside != k.path {
		if _, err := k.partial.Mkdir(inside); err != nil {
			return err
		}
		if made {
			if err := storage.WriteCreated(k.partial, k.path); err != nil {
				return err
			}
		}
	}
	return k.config.Set("lxc.rootfs.path", rootfs.String())
}

func (k *creation) save() error {
	unlock, err := k.c.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	return k.config.Text().Save(k.c.Dir() + "/config")
}

// finish puts the header before the configuration the template has left, if
// that can be read, and takes the marker away.
func (k *creation) finish() error {
	if k.template != nil {
		k.config = config.New(k.c.Paths.RootfsMount)
		if err := k.config.Load(k.c.Dir() + "/config"); err != nil {
			return fmt.Errorf("the template has left a bad configuration: %w", err)
		}
		k.config.Text().Prepend(k.header())
		if err := k.save(); err != nil {
			return err
		}
	}
	return k.partial.Remove()
}
