package child

import (
	"os"

	"gantry/pkg/capability"
	"gantry/pkg/forkexec"
	"gantry/pkg/lsm"
	"golang.org/x/sys/unix"
)

// hide keeps what is the host's from processes that can already see the init:
// those of a pid namespace it shares. It closes what the launcher alone needs
// and, unless a change of user will do that, forbids to trace it.
func (b *build) hide() {
	p := b.p
	for _, f := range []*os.File{b.in.Launcher.Shim, b.in.Launcher.Socket, b.in.Cgroup, b.in.Shared["pid"]} {
		if f != nil {
			p.Close(p.File(f))
		}
	}
	for _, ns := range b.plan.Namespaces {
		if ns.Kind == "user" && ns.Share == "" {
			return // newuidmap(1) does not map the ids of a process that hides
		}
	}
	p.Prctl("not dumpable", unix.PR_SET_DUMPABLE, forkexec.Int(0))
}

// enclose comes before the first program of the rootfs runs, a start hook. It
// may leave something running that, as root without an id map, takes what the
// init still has: descriptors, capabilities, the caller's session with its
// terminal and process group.
func (b *build) enclose() {
	if b.enclosed {
		return
	}
	b.enclosed = true
	p := b.p
	p.Call("setsid", unix.SYS_SETSID)
	keep := []forkexec.FD{b.barrier, p.File(b.in.Output)}
	for _, f := range b.in.Listen {
		keep = append(keep, p.File(f))
	}
	p.CloseFiles(keep...)
	p.Scope(func() {
		fd := p.Reg()
		for _, at := range b.send {
			p.Load32(fd, at)
			p.Close(fd)
		}
	})
	if b.in.Label != (lsm.Change{}) {
		p.Close(b.label)
	}
	needed := capability.SetOf(unix.CAP_SETUID, unix.CAP_SETGID) // to become the init's user
	last := capability.Last()
	p.LimitCapabilities(uint64((capability.All(last)&^capability.Dropped(b.plan.Init.Caps, last) | needed) & b.in.Rights))
}
