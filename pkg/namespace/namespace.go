// Package namespace is the table of namespace kinds (namespaces(7)) in LXC's
// order and spelling, with what can be asked about the namespaces of a
// process.
package namespace

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// A Kind is one kind of namespace.
type Kind struct {
	Name string // as lxc.namespace.* and /proc/PID/ns spell it
	Long string // as lxc-attach -s may spell it
	Flag uint64 // CLONE_NEW*
}

// Kinds are all kinds in the order in which they are joined: the user
// namespace gives the rights to join the others.
var Kinds = [...]Kind{
	{"user", "USER", unix.CLONE_NEWUSER},
	{"mnt", "MOUNT", unix.CLONE_NEWNS},
	{"pid", "PID", unix.CLONE_NEWPID},
	{"uts", "UTSNAME", unix.CLONE_NEWUTS},
	{"ipc", "IPC", unix.CLONE_NEWIPC},
	{"net", "NETWORK", unix.CLONE_NEWNET},
	{"cgroup", "CGROUP", unix.CLONE_NEWCGROUP},
	{"time", "TIME", unix.CLONE_NEWTIME},
}

// ByName finds a kind by its short or long name in any case.
func ByName(name string) (Kind, bool) {
	for _, k := range Kinds {
		if strings.EqualFold(name, k.Name) || strings.EqualFold(name, k.Long) {
			return k, true
		}
	}
	return Kind{}, false
}

// Path is the file of a process's namespace.
func Path(pid int, kind string) string { return "/proc/" + strconv.Itoa(pid) + "/ns/" + kind }

// Open opens the namespace of a process.
func Open(pid int, kind string) (*os.File, error) { return os.Open(Path(pid, kind)) }

// OpenOf opens the namespace of the process behind a pidfd. Its pid can have
// become another process's only after its end.
func OpenOf(pidfd *os.File, kind string) (*os.File, error) {
	pid, err := sys.PidOf(pidfd)
	if err != nil {
		return nil, err
	}
	f, err := Open(pid, kind)
	if err != nil {
		return nil, err
	}
	if err := unix.PidfdSendSignal(int(pidfd.Fd()), 0, nil, 0); err != nil {
		f.Close()
		return nil, sys.CallError("pidfd_send_signal", err)
	}
	return f, nil
}

// OpenPath opens a file that must be a namespace of that kind.
func OpenPath(path, kind string) (*os.File, error) {
	// O_NONBLOCK: the path is the configuration's, and may be a fifo.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	flag, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE)
	k, _ := ByName(kind)
	if err != nil || uint64(flag) != k.Flag {
		f.Close()
		return nil, fmt.Errorf("%s is not a %s namespace", path, kind)
	}
	return f, nil
}

// Differing gives the CLONE_NEW* bits of the kinds in which the processes a
// and b live in different namespaces. 0 stands for the caller. Kinds the
// kernel does not have are left out.
func Differing(a, b int) (flags uint64, err error) {
	for _, k := range Kinds {
		var x, y unix.Stat_t
		if err := unix.Stat(self(a, k.Name), &x); err != nil {
			if err == unix.ENOENT && a == 0 {
				continue
			}
			return 0, &os.PathError{Op: "stat", Path: self(a, k.Name), Err: err}
		}
		if err := unix.Stat(self(b, k.Name), &y); err != nil {
			return 0, &os.PathError{Op: "stat", Path: self(b, k.Name), Err: err}
		}
		if x.Ino != y.Ino || x.Dev != y.Dev {
			flags |= k.Flag
		}
	}
	return flags, nil
}

func self(pid int, kind string) string {
	if pid == 0 {
		return "/proc/self/ns/" + kind
	}
	return Path(pid, kind)
}
