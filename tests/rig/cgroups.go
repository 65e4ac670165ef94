package rig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// initScope is where the small machine's own processes live, the way systemd
// keeps pid 1 out of the root: on cgroup v2 a group with processes of its own
// could not enable controllers for lxc.payload.NAME.
const initScope = "init.scope"

// cgroupsVar carries the directories from one process of the rig to the next.
const cgroupsVar = "GANTRY_RIG_CGROUPS"

// cgroups are the directories made for this run, one in each hierarchy.
type cgroups []string

func (c cgroups) env() string { return cgroupsVar + "=" + strings.Join(c, ":") }

func cgroupsFromEnv() cgroups { return strings.Split(os.Getenv(cgroupsVar), ":") }

// makeCgroups makes a directory in the root of every mounted hierarchy.
func makeCgroups(name string) (cgroups, error) {
	var made cgroups
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup", "cgroup2"))
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		if m.Root != "/" || !strings.HasPrefix(m.Mountpoint, "/sys/fs/cgroup") {
			continue
		}
		dir := filepath.Join(m.Mountpoint, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return made, err
		}
		made = append(made, dir)
		if err := os.Mkdir(filepath.Join(dir, initScope), 0o755); err != nil {
			return made, err
		}
		enableControllers(m.Mountpoint)
		for _, d := range []string{dir, filepath.Join(dir, initScope)} {
			if err := seedCpuset(d); err != nil {
				return made, err
			}
		}
	}
	return made, nil
}

// seedCpuset gives a new directory of a v1 cpuset hierarchy its parent's cpus
// and memory nodes, without which no process may enter it.
func seedCpuset(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "cgroup.controllers")); err == nil {
		return nil // v2 inherits
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(filepath.Dir(dir), file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), value, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enableControllers hands the controllers of a v2 directory down to its
// children. One that is busy elsewhere (cpu, with realtime processes) is not.
func enableControllers(dir string) {
	controllers, _ := os.ReadFile(filepath.Join(dir, "cgroup.controllers")) // none on v1
	for _, c := range strings.Fields(string(controllers)) {
		os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0)
	}
}

// settle moves the calling process into every directory, calls unshare there,
// and then moves it on into the directories' initScope.
func (c cgroups) settle(unshare func() error) error {
	if err := c.enter(""); err != nil {
		return err
	}
	if err := unshare(); err != nil {
		return err
	}
	if err := c.enter(initScope); err != nil {
		return err
	}
	for _, dir := range c {
		enableControllers(dir)
	}
	return nil
}

// enter moves the calling process into sub of every directory.
func (c cgroups) enter(sub string) error {
	for _, dir := range c {
		if err := os.WriteFile(filepath.Join(dir, sub, "cgroup.procs"), []byte("0"), 0); err != nil {
			return fmt.Errorf("enter cgroup: %w", err)
		}
	}
	return nil
}

// remove removes the directories with everything beneath. The processes in
// them have ended by then, though some may still be on their way out.
func (c cgroups) remove() {
	for _, dir := range c {
		RemoveCgroup(dir)
	}
}

// RemoveCgroup kills what lives in the cgroup dir and beneath, and removes
// both.
func RemoveCgroup(dir string) error {
	var dirs []string
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	var last error
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := removeLeaf(dirs[i]); err != nil {
			last = err
		}
	}
	return last
}

// removeLeaf removes a cgroup without children, waiting for its processes to
// be gone.
func removeLeaf(dir string) error {
	return eventually(func() error {
		err := unix.Rmdir(dir)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		for _, pid := range processesOf(dir) {
			unix.Kill(pid, unix.SIGKILL)
		}
		return fmt.Errorf("remove %s: %w", dir, err)
	})
}
