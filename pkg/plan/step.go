package plan

// A Step is one act of the child, between its birth in new namespaces and the
// exec of the init. Steps are flat and ordered; package stage holds the table
// of verbs that carries them out.
//
// Paths: In says beneath which root Path is looked up. Beneath the rootfs no
// symbolic link leads out of it, whatever the container put there.
type Step struct {
	Op      Op
	In      Root         `json:",omitempty"`
	Path    string       `json:",omitempty"`
	Source  string       `json:",omitempty"` // mount: source; symlink: target; sysctl: value
	FSType  string       `json:",omitempty"`
	Options MountOptions `json:",omitzero"`
	Mode    uint32       `json:",omitempty"` // permission bits, and the type bits of mknod(2)
	Dev     uint64       `json:",omitempty"` // mknod: device number
	Stage   string       `json:",omitempty"` // hook: pre-mount, mount, autodev, start; wait: name of the barrier
	Hook    *Hook        `json:",omitempty"`
	// Optional: a failure is logged and the start goes on.
	Optional bool `json:",omitempty"`
	// Relative: Source is a path beneath the rootfs.
	Relative bool   `json:",omitempty"`
	Origin   Origin `json:",omitzero"`
}

// Op is the verb of a step.
type Op string

// The verbs.
const (
	OpWait      Op = "wait"      // until set-up has passed the barrier Stage
	OpCoreSched Op = "coresched" // CPU cores are shared with nobody else at a time
	OpUnshare   Op = "unshare"   // the namespace kind Stage (cgroup, time, net), after the barrier that allows it
	OpBecome    Op = "become"    // root of the user namespace: setgroups, setgid, setuid 0
	OpSlave     Op = "slave"     // every mount of the tree, recursively
	OpRootfs    Op = "rootfs"    // mount Plan.Rootfs on its mount point and open it
	OpHostname  Op = "hostname"  // Source
	OpMkdir     Op = "mkdir"     // with parents
	OpMount     Op = "mount"     // Source of FSType on Path, with Options
	OpMknod     Op = "mknod"     // falls back to a bind mount of the host's node
	OpSymlink   Op = "symlink"   // Path -> Source
	OpDevpts    Op = "devpts"    // a new instance on /dev/pts, ptmx beside it
	OpConsole   Op = "console"   // /dev/console
	OpTTYs      Op = "ttys"      // /dev/ttyN, handed to set-up
	OpHook      Op = "hook"      // run Hook and wait for it
	OpPivot     Op = "pivot"     // the rootfs becomes /
	OpNetwork   Op = "network"   // names, addresses, routes inside
	OpKeyring   Op = "keyring"   // new session keyring
	OpPersona   Op = "persona"   // personality(2)
	OpSysctl    Op = "sysctl"    // Source into /proc/sys/Path
	OpBootID    Op = "bootid"    // a fresh boot_id over /proc/sys/kernel/random/boot_id
	OpShmounts  Op = "shmounts"  // the injection tunnel becomes a slave
	OpCgroups   Op = "cgroups"   // lxc.mount.auto = cgroup...: Source is the token
	OpCaps      Op = "caps"      // bounding set
	OpLSM       Op = "lsm"       // label on exec
	OpSeccomp   Op = "seccomp"   // load the filter
	OpNoNewPriv Op = "nonewprivs"
	OpStdio     Op = "stdio" // console on 0-2
	OpExec      Op = "exec"  // new session, groups, gid, uid, ambient, cwd, death signal, exec
)

// Root tells where a step's path begins.
type Root string

// The roots of paths.
const (
	Host   Root = ""       // the child's copy of the host's tree
	Inside Root = "rootfs" // the container's rootfs
)

// MountOptions are the words of an fstab entry, sorted out.
type MountOptions struct {
	Set, Clear  uint64 `json:",omitempty"` // MOUNT_ATTR_* bits of mount_setattr(2)
	Bind        bool   `json:",omitempty"`
	Recursive   bool   `json:",omitempty"` // rbind
	Remount     bool   `json:",omitempty"`
	Move        bool   `json:",omitempty"`
	SuperFlags  uint64 `json:",omitempty"` // MS_* bits of the superblock: ro sync dirsync mand lazytime
	Propagation uint64 `json:",omitempty"` // MS_SHARED MS_SLAVE MS_PRIVATE MS_UNBINDABLE, with MS_REC for the r-variants
	Data        string `json:",omitempty"` // comma separated, for the file system
	Create      string `json:",omitempty"` // dir or file: make the target first
	IDMap       string `json:",omitempty"` // "container", or the path of a user namespace
}
