package cgroup

import (
	"os"
	"strconv"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// maxLeaf is the last .lxc-N that is tried.
const maxLeaf = 999

// Leaf opens the cgroup of version 2 in which lxc-attach's processes live: .lxc
// of the payload. The payload itself, or .lxc, cannot take them once the
// container's init has given controllers to its children; then it is .lxc-1 and
// so on. A new one belongs to whom the payload does. The file serves
// CLONE_INTO_CGROUP; the caller owns it.
func Leaf(payload int) (*os.File, error) {
	var owner unix.Stat_t
	if err := unix.Fstat(payload, &owner); err != nil {
		return nil, sys.CallError("fstat", err)
	}
	name := ".lxc"
	for n := 1; ; n++ {
		err := unix.Mkdirat(payload, name, 0o755)
		if err == nil && (owner.Uid != 0 || owner.Gid != 0) {
			for _, file := range []string{"", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"} {
				unix.Fchownat(payload, name+file, int(owner.Uid), int(owner.Gid), unix.AT_SYMLINK_NOFOLLOW)
			}
		}
		if err != nil && err != unix.EEXIST {
			return nil, sys.PathError("mkdir", name, err)
		}
		f, err := leafAt(payload, name)
		if err != unix.EBUSY || n > maxLeaf {
			return f, sys.PathError("attach", name, err)
		}
		name = ".lxc-" + strconv.Itoa(n)
	}
}

// leafAt opens a cgroup; the error is EBUSY when it cannot hold processes.
func leafAt(payload int, name string) (*os.File, error) {
	fd, err := unix.Openat(payload, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	enabled, err := readAt(fd, "cgroup.subtree_control")
	if err == nil && enabled != "" {
		err = unix.EBUSY
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Join moves a process into a running container's cgroups, given by the
// directories the command CGROUP_CTX answers with: those of version 1
// directly, that of version 2 in its Leaf. A process that was born in the Leaf
// is given born.
func Join(dirs []int, pid int, born bool) error {
	for _, dir := range dirs {
		if IsV2(dir) {
			if born {
				continue
			}
			leaf, err := Leaf(dir)
			if err != nil {
				return err
			}
			err = writeAt(int(leaf.Fd()), "cgroup.procs", strconv.Itoa(pid))
			leaf.Close()
			if err != nil {
				return err
			}
			continue
		}
		if err := writeAt(dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	return nil
}

// IsV2 says whether a directory is a cgroup of version 2.
func IsV2(dir int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(dir, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
}
