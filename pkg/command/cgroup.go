package command

// A Layout says which cgroup generations a host has.
type Layout int32

// The layouts.
const (
	UnknownLayout Layout = -1
	Legacy        Layout = 0
	Hybrid        Layout = 1
	Unified       Layout = 2
)

// The types of a cgroup file system: its magic number in statfs(2).
const (
	CgroupV1 int32 = 0x27e0eb
	CgroupV2 int32 = 0x63677270
)

const (
	cgroupFDSize  = 80
	cgroupCtxSize = 96
	maxCgroupFDs  = 20
)

// A CgroupFD is the structure of GET_CGROUP_FD and GET_LIMIT_CGROUP_FD. The
// request names the controller; the response has the rest, and the directory
// rides on it.
type CgroupFD struct {
	Layout     Layout
	Utilities  uint32
	Type       int32  // CgroupV1, CgroupV2; 0 in a request is either
	FD         int32  // the monitor's number; -EBADF in a request
	Controller string // 63 bytes at most; empty is the unified hierarchy
}

// Append adds the structure's 80 bytes to b.
func (c CgroupFD) Append(b []byte) []byte {
	var raw [cgroupFDSize]byte
	put32(raw[:], 0, int32(c.Layout))
	put32(raw[:], 4, int32(c.Utilities))
	put32(raw[:], 8, c.Type)
	put32(raw[:], 12, c.FD)
	putText(raw[16:], c.Controller)
	return append(b, raw[:]...)
}

// ParseCgroupFD reads the structure, be it of an older or newer release.
func ParseCgroupFD(b []byte) (c CgroupFD, err error) {
	if b, err = grow(b, cgroupFDSize); err != nil {
		return c, err
	}
	if b[cgroupFDSize-1] != 0 {
		return c, ErrMalformed
	}
	return CgroupFD{
		Layout: Layout(get32(b, 0)), Utilities: uint32(get32(b, 4)),
		Type: get32(b, 8), FD: get32(b, 12), Controller: getText(b[16:]),
	}, nil
}

// A CgroupCtx is the structure of GET_CGROUP_CTX: what lxc-attach needs to
// move a process into the container's cgroups. The directories, one for each
// hierarchy, ride on the response.
type CgroupCtx struct {
	Layout    Layout
	Utilities uint32
	FDs       []int32 // the monitor's numbers; 20 at most
}

// Append adds the structure's 96 bytes to b.
func (c CgroupCtx) Append(b []byte) []byte {
	var raw [cgroupCtxSize]byte
	put32(raw[:], 0, int32(c.Layout))
	put32(raw[:], 4, int32(c.Utilities))
	n := min(len(c.FDs), maxCgroupFDs)
	put32(raw[:], 8, int32(n))
	for i, fd := range c.FDs[:n] {
		put32(raw[:], 12+4*i, fd)
	}
	return append(b, raw[:]...)
}

// ParseCgroupCtx reads the structure, be it of an older or newer release.
func ParseCgroupCtx(b []byte) (c CgroupCtx, err error) {
	if b, err = grow(b, cgroupCtxSize); err != nil {
		return c, err
	}
	n := get32(b, 8)
	if n < 0 || n > maxCgroupFDs {
		return c, ErrMalformed
	}
	c = CgroupCtx{Layout: Layout(get32(b, 0)), Utilities: uint32(get32(b, 4))}
	for i := range n {
		c.FDs = append(c.FDs, get32(b, 12+4*int(i)))
	}
	return c, nil
}
