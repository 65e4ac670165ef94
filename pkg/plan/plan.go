// Package plan holds the values a container's start consists of: namespaces,
// id maps, mounts, devices, cgroups, network devices, credentials, hooks.
//
// A plan is data. It is compiled from a configuration without a system call
// (package plan/compile), carried out by package stage, and kept by the
// container's shim for the next reboot. It states intents, not host facts:
// what may differ from one start to the next (names of veth devices, gateways
// "auto", targets of shared namespaces, device numbers) is resolved again each
// time the plan is carried out.
package plan

import "strconv"

// An Origin says where in the configuration a value was set, so that the step
// that fails can name the line to change. The zero Origin is a default.
type Origin struct {
	File string `json:",omitempty"` // or the option of the command line, with its dashes
	Line int    `json:",omitempty"` // 0 for an option
	Key  string `json:",omitempty"`
}

// Given says whether somebody has set the value.
func (o Origin) Given() bool { return o.File != "" }

// String gives FILE:LINE: KEY, --OPTION: KEY, or KEY alone for a default.
func (o Origin) String() string {
	switch {
	case o.File == "" && o.Line == 0:
		return o.Key
	case o.Line == 0:
		return o.File + ": " + o.Key
	}
	return o.File + ":" + strconv.Itoa(o.Line) + ": " + o.Key
}

// A Plan is everything a start needs to know.
type Plan struct {
	Name       string // container name
	LXCPath    string // directory of containers
	ConfigFile string // what LXC_CONFIG_FILE says; empty without one

	Namespaces []Namespace // in the order user mnt pid uts ipc net cgroup time
	IDMaps     []IDMap

	Rootfs  Rootfs
	Steps   []Step // what the child does between its birth and exec, in order
	Init    Init
	Console Console
	TTYs    TTYs

	Cgroup   Cgroup
	Networks []Network
	Hooks    []Hook // those run on the host: pre-start, start-host, stop, post-stop
	HookEnv  HookEnv

	Proc    []Write // lxc.proc.*: files of /proc/INIT, written by the monitor
	Limits  []Rlimit
	LSM     LSM
	Seccomp Seccomp

	StopSignal int  // lxc.signal.stop; 0 is LXC's default
	Ephemeral  bool // lxc.ephemeral: destroy after the last stop
	Daemon     bool // lxc-start -d
}

// A Namespace is one namespace of the container: made new or joined. Kinds
// that are not listed stay those of the host.
type Namespace struct {
	Kind   string // user mnt pid uts ipc net cgroup time
	Share  string `json:",omitempty"` // lxc.namespace.share.KIND: container name, pid or path to join; empty makes a new one
	Origin Origin
}

// An IDMap is one line of lxc.idmap.
type IDMap struct {
	Kind   byte   // 'u' or 'g'
	Inside uint32 // first id in the container
	Host   uint32 // first id outside
	Count  uint32
	Origin Origin
}

// Rootfs is where the container's root file system comes from.
type Rootfs struct {
	Path    string // as stored, without its TYPE: prefix; empty means the host's own tree
	Type    string // dir, overlay, loop ...; empty to be found out by looking
	Mount   string // lxc.rootfs.mount: where it is mounted before pivot_root
	Options MountOptions
	Pin     bool // hold .lxc_keep open (privileged, dir or btrfs)
	Origin  Origin
}

// Init is the process that becomes pid 1.
type Init struct {
	Kind        InitKind
	Argv        []string
	Env         []string // NAME=VALUE, complete: container=lxc and lxc.environment
	Cwd         string
	UID, GID    uint32
	Groups      []uint32
	DeathSignal int   // lxc.monitor.signal.pdeath; 0 for none
	Personality int64 // persona for personality(2), -1 to leave it
	Caps        Caps
	Origin      Origin // of the command
	CwdOrigin   Origin
}

// InitKind tells the two kinds of exec apart.
type InitKind int

// The kinds of init.
const (
	RootfsProgram InitKind = iota // Argv[0] is a program of the rootfs
	MiniInit                      // Gantry's own tiny init runs Argv as pid 2 (lxc-execute)
)

// Caps limits the bounding set. Drop and Keep exclude each other; numbers are
// those of capabilities(7).
type Caps struct {
	Drop   []int
	Keep   []int
	Keeps  bool // a keep list was given, though it may be empty (lxc.cap.keep = none)
	Origin Origin
}

// Console is the container's /dev/console and what is on its other end.
type Console struct {
	Path       string // lxc.console.path: a tty; "none"; empty for the default
	PathOrigin Origin
	FromHost   bool   // lxc.pty.max <= 1: the pty comes from the host's devpts
	LogFile    string // lxc.console.logfile
	LogOrigin  Origin
	LogSize    uint64 // bytes before it is cut or rotated; 0 is no limit
	LogRotate  bool
	BufferSize uint64 // bytes of the ring buffer; 0 is none
}

// TTYs are /dev/tty1 to /dev/ttyMax. With PtyMax 0 the container has no devpts
// of its own (there is no OpDevpts) and its ttys come from the host's.
type TTYs struct {
	Max    int
	Dir    string // lxc.tty.dir, below /dev
	PtyMax int    // lxc.pty.max
	Origin Origin
}

// A Rlimit is one lxc.prlimit.RESOURCE, set on the init by prlimit(2).
type Rlimit struct {
	Resource   int
	Soft, Hard uint64 // ^0 is unlimited
	Origin     Origin
}

// A Write is a value for a file of a pseudo file system.
type Write struct {
	Path   string // below /proc/INIT for Plan.Proc
	Value  string
	Origin Origin
}

// LSM is what the security modules are asked for.
type LSM struct {
	AppArmor       string // unconfined, unchanged, generated, a profile's name, or empty for the default
	AppArmorOrigin Origin
	AllowNesting   bool
	AllowPartial   bool     // lxc.apparmor.allow_incomplete
	Raw            []string // lxc.apparmor.raw
	SELinux        string
	SELinuxKeyring string
	SELinuxOrigin  Origin
}

// Seccomp names the policy file; it is read when the container starts.
type Seccomp struct {
	Profile      string
	AllowNesting bool
	Origin       Origin
	Proxy        string `json:",omitempty"` // who decides calls with the action notify: /PATH or @NAME
	Cookie       string `json:",omitempty"` // what it is told of the container
	ProxyOrigin  Origin `json:",omitzero"`
}
