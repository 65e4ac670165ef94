package stage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"gantry/internal/sys"
	"gantry/pkg/command"
	"gantry/pkg/handover"
	"gantry/pkg/idmap"
	"gantry/pkg/namespace"
	"gantry/pkg/plan"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// acquire gets what must be there before the child is born. Cgroups are made
// at the same time; who needs them waits for them.
func (r *run) acquire() error {
	if r.unloads() {
		r.undo.Add(func() {
			if err := r.unload(); err != nil {
				r.Log.Warn(err.Error())
			}
		})
	}
	if err := r.createCgroups(); err != nil {
		return err
	}
	r.in.Listen = r.Listen
	for _, step := range []func() error{r.openPidFile, r.joinShared, r.openConsole, r.openTTYs, r.openMounts, r.pinRootfs, r.bootID, r.security} {
		if err := step(); err != nil {
			return err
		}
	}
	return r.awaitCgroups()
}

// openPidFile makes sure that the pid can be written before anything starts.
func (r *run) openPidFile() error {
	if r.PidFile == "" {
		return nil
	}
	f, err := os.OpenFile(r.PidFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		r.undo.Add(func() { os.Remove(r.PidFile) })
		return f.Close()
	}
	if f, err = os.OpenFile(r.PidFile, os.O_WRONLY, 0); err != nil {
		return err
	}
	return f.Close()
}

// joinShared opens the namespaces of lxc.namespace.share: a container's by
// name, a process's by pid, or a path.
func (r *run) joinShared() error {
	r.in.Shared = map[string]*os.File{}
	for _, ns := range r.plan.Namespaces {
		if ns.Share == "" {
			continue
		}
		f, err := openShared(r.plan.LXCPath, ns)
		if err != nil {
			return at(ns.Origin, err)
		}
		r.in.Shared[ns.Kind] = f
		r.closeLater(f)
	}
	return nil
}

func openShared(lxcpath string, ns plan.Namespace) (*os.File, error) {
	if strings.HasPrefix(ns.Share, "/") {
		return namespace.OpenPath(ns.Share, ns.Kind)
	}
	if pid, err := strconv.Atoi(ns.Share); err == nil {
		return namespace.Open(pid, ns.Kind)
	}
	init, err := command.NewClient(lxcpath, ns.Share).InitPidfd()
	if err != nil {
		return nil, fmt.Errorf("container %s: %w (start it first)", ns.Share, err)
	}
	defer init.Close()
	return namespace.OpenOf(init, ns.Kind)
}

// openMounts makes the id-mapped mounts, which take rights over the host's
// file systems that the child does not have.
func (r *run) openMounts() error {
	roots, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter("/"))
	if err != nil {
		return err
	}
	r.in.Ramfs = len(roots) > 0 && roots[0].FSType == "rootfs"
	if o := r.plan.Rootfs.Options; o.IDMap != "" {
		m, err := r.idMapped(r.plan.Rootfs.Path, o, true)
		if err != nil {
			return at(r.plan.Rootfs.Origin, err)
		}
		r.in.Rootfs = m
	}
	r.in.Mounts = map[int]*os.File{}
	for i, s := range r.plan.Steps {
		if s.Options.IDMap == "" {
			continue
		}
		m, err := r.idMapped(s.Source, s.Options, s.Options.Recursive)
		if err != nil && s.Optional {
			r.Log.Info(at(s.Origin, err).Error())
			continue
		}
		if err != nil {
			return at(s.Origin, err)
		}
		r.in.Mounts[i] = m
	}
	return nil
}

// idMapped gives a detached mount of path, seen through the container's ids or
// those of the user namespace the option names.
func (r *run) idMapped(path string, o plan.MountOptions, recursive bool) (*os.File, error) {
	source, err := os.OpenFile(path, unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	var userns *os.File
	if o.IDMap == "container" {
		userns, err = idmap.NewNamespace(r.plan.IDMaps, caller())
	} else {
		userns, err = namespace.OpenPath(o.IDMap, "user")
	}
	if err != nil {
		return nil, err
	}
	defer userns.Close()
	m, err := idmap.Mount(source, userns, recursive, 0, 0)
	if err == nil {
		r.closeLater(m)
	}
	return m, err
}

// pinRootfs holds a file of the rootfs open for as long as the container runs:
// a container that remounts what it takes for its own root, as init systems do
// when they halt, does not make the file system read-only for the host. On file
// systems where that cannot happen, or would leave the file behind, LXC makes
// none.
func (r *run) pinRootfs() error {
	p := r.plan.Rootfs
	if !p.Pin {
		return nil
	}
	var fs unix.Statfs_t
	if unix.Statfs(p.Path, &fs) != nil || fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return nil // what is not there the rootfs step tells
	}
	dir, err := os.OpenFile(p.Path, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil
	}
	defer dir.Close()
	f, err := pin(dir)
	switch {
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EEXIST):
		return nil
	case err != nil:
		return at(p.Origin, err)
	}
	r.give(handover.Pin, f)
	return nil
}

// pin makes a file in the rootfs and opens it for writing: one without a name,
// or, on NFS for one, LXC's. What root inside has left under that name, a
// device node perhaps, is not opened.
func pin(dir *os.File) (*os.File, error) {
	const name = ".lxc_keep"
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_RDWR|unix.O_TMPFILE|unix.O_CLOEXEC, 0o600)
	if err == unix.EOPNOTSUPP || err == unix.EISDIR {
		unix.Unlinkat(int(dir.Fd()), name, 0)
		fd, err = unix.Openat(int(dir.Fd()), name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	}
	if err != nil {
		return nil, sys.PathError("open", dir.Name()+"/"+name, err)
	}
	return os.NewFile(uintptr(fd), name), nil // NFS would not let go of its name
}

// bootID makes up the boot_id of this start.
func (r *run) bootID() error {
	id, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	r.in.BootID = strings.TrimSpace(string(id))
	return err
}

// caller is the user on whose behalf the container starts.
func caller() idmap.User {
	return idmap.User{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
}

// at adds the line of the configuration to an error.
func at(o plan.Origin, err error) error {
	if err == nil || o == (plan.Origin{}) {
		return err
	}
	return fmt.Errorf("%s: %w", o, err)
}

func procPath(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }
