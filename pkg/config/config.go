// Package config is LXC's configuration language: the keys lxc.*, their values,
// the files that hold them.
//
// Everything about a key stands in one row of a table (keys, netKeys): its name,
// the field of Config it fills, how its text is read and written. Setting,
// clearing by an empty value, getting, printing, listing, and finding the
// nearest name of a misspelt one follow from the row.
//
// A value remembers the file and line it came from, so that whoever finds it
// wrong later, even the step of a start that fails on it, can name the line to
// change.
//
// The package reads configuration files and writes the container's own; it makes
// no other system call.
package config

import (
	"gantry/internal/log"
	"gantry/pkg/plan"
)

// A Config is the configuration of one container. New makes one; the fields
// carry the names of the keys.
type Config struct {
	Arch     Value[int64] // persona of personality(2); -1 leaves it
	AppArmor struct {
		Profile         Value[string]
		AllowIncomplete Value[bool]
		AllowNesting    Value[bool]
		Raw             []Value[string]
	}
	Autodev          Value[bool]
	AutodevTmpfsSize Value[int] // bytes
	Cap              struct {
		Drop, Keep []Value[string] // names of capabilities(7) without cap_, or numbers
		Keeps      Value[bool]     // lxc.cap.keep was given, though it may be none
	}
	Cgroup struct {
		Legacy   []Member[string] // lxc.cgroup.FILE in order, duplicates kept
		Unified  []Member[string] // lxc.cgroup2.FILE in order, duplicates kept
		Relative Value[bool]
		Dir      struct{ Parent, Monitor, Pivot, Container, Inner Value[string] }
	}
	Console struct {
		Path       Value[string] // a tty, or none
		LogFile    Value[string]
		Rotate     Value[bool]
		Size       Value[uint64] // bytes of the log file; 0 is no limit
		BufferSize Value[uint64] // bytes of the ring buffer; 0 is none
	}
	Environment struct {
		All     []Value[string] // NAME=VALUE
		Runtime []Value[string] // for the container's processes alone
		Hooks   []Value[string] // for hooks alone
	}
	Ephemeral  Value[bool]
	ExecuteCmd Value[string]
	Group      []Value[string]
	Hooks      Hooks
	IDMap      []Value[IDMap]
	Init       struct {
		Cmd, Cwd Value[string] // empty Cmd is /sbin/init
		UID, GID Value[uint32]
		Groups   []Value[uint32]
	}
	KeyringSession Value[bool] // true keeps the parent's session keyring
	Log            struct {
		File   Value[string]
		Level  Value[log.Level]
		Syslog Value[string] // facility
	}
	Monitor struct {
		Unshare     Value[uint] // 0 or not
		SignalDeath Value[int]  // lxc.monitor.signal.pdeath; 0 is none
	}
	Mount struct {
		Auto  Value[MountAuto]
		Entry []Value[string]
		Fstab Value[string]
	}
	Namespace struct {
		Clone, Keep Value[Namespaces]
		Share       []Member[string] // by kind
	}
	Networks   []*Network // by index
	NoNewPrivs Value[bool]
	Prlimit    []Member[Limit]  // lxc.prlimit.RESOURCE
	Proc       []Member[string] // lxc.proc.FILE, duplicates kept
	PtyMax     Value[uint]
	Rootfs     struct {
		Path    Value[RootfsPath]
		Mount   Value[string]
		Options Value[string]
		Managed Value[bool]
	}
	SchedCore Value[bool]
	Seccomp   struct {
		Profile      Value[string]
		AllowNesting Value[bool]
		NotifyProxy  Value[string]
		NotifyCookie Value[string]
	}
	SELinux struct{ Context, Keyring Value[string] }
	Signal  struct{ Halt, Reboot, Stop Value[int] } // 0 is LXC's default
	Start   struct {
		Auto  Value[bool]
		Delay Value[uint] // seconds
		Order Value[int]
	}
	Sysctl []Member[string] // lxc.sysctl.NAME
	Time   struct{ Boot, Monotonic Value[TimeOffset] }
	TTY    struct {
		Max Value[uint]
		Dir Value[string] // below /dev
	}
	UTSName Value[string]

	Ignored []plan.Origin // lines that are none of LXC's, but look much like it

	text      Text     // the lines of the top-level file
	including []string // files being read, outermost first
	mount     string   // default of lxc.rootfs.mount
}

// New gives the configuration of a container that has none. rootfsMount is the
// default of lxc.rootfs.mount.
func New(rootfsMount string) *Config {
	c := &Config{mount: rootfsMount}
	for i := range keys {
		keys[i].item.reset(c, "", keys[i].name)
	}
	return c
}

// Hooks are the commands of lxc.hook.STAGE, in the order they run.
type Hooks struct {
	Version Value[uint] // 0: arguments, 1: environment

	PreStart, PreMount, Mount, Autodev, StartHost, Start []Value[string]
	Stop, PostStop, Clone, Destroy                       []Value[string]
}
