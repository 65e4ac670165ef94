package config

import "gantry/pkg/plan"

// A Value is what a key was set to, and where. The origin of a value that was
// never set names the key alone; that of a network device is zero.
type Value[T any] struct {
	V      T
	Origin plan.Origin
}

// A Member is one key of a family, such as memory.max of lxc.cgroup2.
type Member[T any] struct {
	Name string // what follows the family's name and a dot
	Value[T]
}

// An IDMap is one line of lxc.idmap.
type IDMap struct {
	Kind   byte   // 'u' or 'g'
	Inside uint32 // first id in the container
	Host   uint32 // first id outside
	Count  uint32
}

// A Limit is the value of lxc.prlimit.RESOURCE; Unlimited is no limit.
type Limit struct{ Soft, Hard uint64 }

// Unlimited is the Limit that is none.
const Unlimited = ^uint64(0)

// A TimeOffset is the value of lxc.time.offset.CLOCK. One of the two is zero:
// units of a second and more count seconds, smaller ones nanoseconds.
type TimeOffset struct{ Seconds, Nanoseconds int64 }

// MountAuto is what lxc.mount.auto asks for.
type MountAuto struct {
	Proc     string // mixed or rw; empty for none
	Sys      string // mixed, ro or rw; empty for none
	Cgroup   CgroupMount
	Shmounts Shmounts
}

// A CgroupMount is one of the cgroup words of lxc.mount.auto.
type CgroupMount struct {
	Kind  string // cgroup, cgroup-full or cgroup2; empty for none
	Mode  string // mixed, ro or rw; empty leaves it to the capabilities
	Force bool   // mount even if the init could do it itself
}

// Shmounts is the directory through which mounts reach a running container.
type Shmounts struct {
	Host   string // directory on the host; empty for none
	Inside string // where the container sees it
}
