package stage

import (
	"fmt"
	"os"
	"strconv"

	"gantry/internal/sys"
	"gantry/pkg/handover"
	"gantry/pkg/idmap"
	"gantry/pkg/plan"
	"gantry/pkg/terminal"
	"golang.org/x/sys/unix"
)

// openConsole makes the console's pty if it is one of the host's, and opens
// the terminal it is shown on.
func (r *run) openConsole() error {
	c := r.plan.Console
	if c.Path == "none" {
		return nil
	}
	if c.FromHost {
		if err := r.hostConsole(); err != nil {
			return err
		}
	}
	if c.LogFile != "" {
		log, err := terminal.OpenLog(c.LogFile)
		if err != nil {
			return at(c.LogOrigin, err)
		}
		r.give(handover.ConsoleLog, log)
	}
	switch {
	case c.Path != "":
		if err := r.openPeer(c.Path, c.PathOrigin); err != nil {
			return err
		}
	case !r.plan.Daemon:
		// Without a controlling terminal nothing shows the console.
		if tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0); err == nil {
			r.give(handover.Peer, tty)
		}
	}
	r.sizeConsole()
	return nil
}

// sizeConsole sees to it that the console has the size of the terminal it is
// shown on before the init looks.
func (r *run) sizeConsole() {
	peer := r.files[handover.Peer]
	if peer == nil {
		return
	}
	size, err := unix.IoctlGetWinsize(int(peer.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return
	}
	r.in.Window = size
	if ptx := r.files[handover.Console]; ptx != nil {
		unix.IoctlSetWinsize(int(ptx.Fd()), unix.TIOCSWINSZ, size)
	}
}

func (r *run) openPeer(path string, origin plan.Origin) error {
	// O_NONBLOCK: a serial line must not wait for its carrier.
	tty, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return at(origin, err)
	}
	r.closeLater(tty)
	if _, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err != nil {
		return at(origin, fmt.Errorf("%s is not a terminal (name a tty, or none; lxc.console.logfile writes to a file)", path))
	}
	r.files[handover.Peer] = tty
	return nil
}

// hostConsole makes the console of a pty of the host's.
func (r *run) hostConsole() error {
	p, err := r.hostPty()
	if err != nil {
		return at(r.plan.TTYs.Origin, err)
	}
	if maps := r.plan.IDMaps; len(maps) > 0 {
		_, group, _ := idmap.Root(maps, 'g', r.plan.Init.GID)
		if err := p.slave.Chown(-1, int(group)); err != nil {
			return err
		}
	}
	r.files[handover.Console], r.in.ConsoleSlave, r.in.ConsoleMount = p.ptx, p.slave, p.mount
	return nil
}

// openTTYs makes the ttys of a container without a devpts of its own.
func (r *run) openTTYs() error {
	t := r.plan.TTYs
	if t.PtyMax > 0 || t.Max == 0 {
		return nil
	}
	names := "container_ttys="
	for i := range t.Max {
		p, err := r.hostPty()
		if err != nil {
			return at(t.Origin, err)
		}
		r.files[handover.TTY+strconv.Itoa(i+1)] = p.ptx
		r.in.TTYMounts = append(r.in.TTYMounts, p.mount)
		if i > 0 {
			names += " "
		}
		names += "pts/" + strconv.Itoa(p.number)
	}
	r.in.TTYNames = names
	return nil
}

// hostPty is a pty of the host's devpts.
type hostPty struct {
	ptx, slave *os.File
	mount      *os.File // detached, of the slave: only a process of this mount namespace can make it
	number     int
}

// hostPty makes one that belongs to the container's root.
func (r *run) hostPty() (p hostPty, err error) {
	if p.ptx, p.slave, err = terminal.Open(); err != nil {
		return p, err
	}
	r.open.Add(func() { p.ptx.Close(); p.slave.Close() })
	if p.number, err = unix.IoctlGetInt(int(p.ptx.Fd()), unix.TIOCGPTN); err != nil {
		return p, sys.CallError("number of a pty", err)
	}
	if maps := r.plan.IDMaps; len(maps) > 0 {
		_, root, _ := idmap.Root(maps, 'u', r.plan.Init.UID)
		if err := p.slave.Chown(int(root), -1); err != nil {
			return p, err
		}
	}
	fd, err := unix.OpenTree(int(p.slave.Fd()), "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return p, sys.CallError("open_tree of a pty", err)
	}
	p.mount = os.NewFile(uintptr(fd), "pty")
	r.closeLater(p.mount)
	// Where the host's mounts are shared, what root inside mounts over it would
	// appear on the host's pty too.
	private := unix.MountAttr{Propagation: unix.MS_PRIVATE}
	return p, sys.CallError("mount_setattr of a pty", unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &private))
}
