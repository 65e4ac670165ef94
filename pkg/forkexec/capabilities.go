package forkexec

import "golang.org/x/sys/unix"

// LimitCapabilities leaves the process no capabilities but those in set, whose
// bit N is capability N; it must have them (capset(2)). The inheritable set
// becomes empty.
func (p *Program) LimitCapabilities(set uint64) Call {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	low, high := uint32(set), uint32(set>>32)
	data := [2]unix.CapUserData{{Effective: low, Permitted: low}, {Effective: high, Permitted: high}}
	return p.Call("capset", unix.SYS_CAPSET, Struct(p, &header), Struct(p, &data))
}
