package cgroup

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// maxDepth is how deep a walk goes, lest somebody who makes cgroups faster than
// they are walked leads it on for ever.
const maxDepth = 1 << 20

// A walker visits a cgroup and all those beneath it. It has one directory open
// at a time and names the next one relative to it: a container may have made
// its cgroups deeper and their names longer than a path or a table of
// descriptors holds. No cgroup ever moves to another parent, so that ".." leads
// back.
type walker struct {
	down func(dir int)              // on the way down, before those beneath
	up   func(dir int, name string) // on the way up: name, of dir, has been walked
}

// walk visits dir and what is beneath. That dir is not there is no error. A
// cgroup that disappears meanwhile ends the walk with ENOENT.
func (w walker) walk(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return sys.PathError("open", dir, err)
	}
	at := os.NewFile(uintptr(fd), dir)
	defer func() { at.Close() }()

	type level struct {
		name string
		rest []string // of the cgroups in it, those to come
	}
	levels := []level{{rest: w.enter(at)}}
	for {
		here := &levels[len(levels)-1]
		next, name := "..", here.name
		goesDown := len(here.rest) > 0 && len(levels) < maxDepth
		if goesDown {
			next, here.rest = here.rest[0], here.rest[1:]
		} else if len(levels) == 1 {
			return nil
		}
		fd, err := unix.Openat(int(at.Fd()), next, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == unix.ENOENT && goesDown {
			continue
		}
		if err != nil {
			return sys.PathError("open", dir, err)
		}
		at.Close()
		at = os.NewFile(uintptr(fd), dir)
		if goesDown {
			levels = append(levels, level{name: next, rest: w.enter(at)})
			continue
		}
		levels = levels[:len(levels)-1]
		if w.up != nil {
			w.up(fd, name)
		}
	}
}

// enter calls down and names the cgroups in a directory.
func (w walker) enter(dir *os.File) (names []string) {
	if w.down != nil {
		w.down(int(dir.Fd()))
	}
	entries, _ := dir.ReadDir(-1)
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return slices.Clip(names)
}
