package idmap

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"gantry/internal/sys"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// Write gives the new user namespace of the process pid its maps. Root writes
// them itself; user's ids are mapped by newuidmap(1) and newgidmap(1), unless
// all he maps is his own id, which the kernel lets him do. It must be the one
// write the maps ever get.
func Write(pid int, maps []plan.IDMap, user User) error {
	for _, kind := range []byte{'u', 'g'} {
		var err error
		switch {
		case Text(maps, kind) == "":
		case user.UID == 0:
			err = writeMap(pid, maps, kind)
		case onlyOwn(maps, kind, user):
			err = writeOwn(pid, maps, kind)
		default:
			err = runHelper(pid, maps, kind, user)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func onlyOwn(maps []plan.IDMap, kind byte, user User) bool {
	lines := 0
	for _, m := range maps {
		if m.Kind != kind {
			continue
		}
		if lines++; lines > 1 || m.Count != 1 || m.Host != own(kind, user) {
			return false
		}
	}
	return true
}

// writeOwn maps a single gid only after the process has lost setgroups(2): by
// dropping a group one could else gain what the group is denied.
func writeOwn(pid int, maps []plan.IDMap, kind byte) error {
	if kind == 'g' {
		if err := writeProc(pid, "setgroups", "deny"); err != nil {
			return err
		}
	}
	return writeMap(pid, maps, kind)
}

func writeMap(pid int, maps []plan.IDMap, kind byte) error {
	err := writeProc(pid, word(kind)+"_map", Text(maps, kind))
	if errors.Is(err, unix.EPERM) {
		for _, m := range maps {
			if m.Kind == kind && !covered(present(kind), m.Host, m.Count) {
				return complain(m.Origin, word(kind), "s ", span(m),
					" do not all exist here (/proc/self/", word(kind), "_map lists those that do)")
			}
		}
	}
	return err
}

// present gives the ids the caller's own user namespace has.
func present(kind byte) (ranges []Range) {
	maps, _ := Of(os.Getpid(), kind)
	for _, m := range maps {
		ranges = append(ranges, Range{First: m.Inside, Count: m.Count})
	}
	return ranges
}

// Of gives the id map of a process's user namespace, 'u' or 'g', with the ids
// outside as the caller has them (user_namespaces(7)).
func Of(pid int, kind byte) (maps []plan.IDMap, err error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + word(kind) + "_map")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		m := plan.IDMap{Kind: kind}
		if _, err := fmt.Sscan(line, &m.Inside, &m.Host, &m.Count); err != nil {
			return nil, err
		}
		maps = append(maps, m)
	}
	return maps, nil
}

// writeProc writes in one call: the kernel takes a map in one piece.
func writeProc(pid int, name, text string) error {
	path := "/proc/" + strconv.Itoa(pid) + "/" + name
	fd, err := sys.RetryInt(func() (int, error) { return unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return sys.PathError("open", path, err)
	}
	defer unix.Close(fd)
	_, err = sys.RetryInt(func() (int, error) { return unix.Write(fd, []byte(text)) })
	return sys.PathError("write", path, err)
}

func runHelper(pid int, maps []plan.IDMap, kind byte, user User) error {
	args := []string{strconv.Itoa(pid)}
	for _, m := range maps {
		if m.Kind == kind {
			args = append(args, strings.Fields(line(m))...)
		}
	}
	program := "new" + word(kind) + "map"
	out, err := exec.Command(program, args...).CombinedOutput()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return complain(nearest(maps, kind), program, " is not installed (it is in the package uidmap)")
	}
	if refused := Permitted(maps, user); refused != nil {
		return refused
	}
	return complain(nearest(maps, kind), strings.TrimSpace(program+": "+err.Error()+": "+string(out)))
}
