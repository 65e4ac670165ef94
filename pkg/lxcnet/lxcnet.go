// Package lxcnet makes and removes the network lxc-net is named for: a bridge
// with an address, DHCP and DNS from dnsmasq, and the rules that let its
// containers out to the world.
//
// The network is described by shell-style assignments in /etc/default/lxc and
// /etc/default/lxc-net (Read, New). Start and Stop carry it out in the network
// namespace of the calling thread, and share a lock so that two of them never
// meet half-way. What a killed Start has left, the next Start or Stop clears
// away.
package lxcnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"gantry/internal/cleanup"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Errors of Start and Stop with the words of LXC's script.
var (
	ErrRunning    = errors.New("lxc-net is already running")
	ErrNotRunning = errors.New("lxc-net isn't running")
)

// A Network is the settings with the places of one machine.
type Network struct {
	Settings
	RunDir   string            // /run/lxc: dnsmasq.pid, network_up; made if missing
	LeaseDir string            // /var/lib/misc: dnsmasq.BRIDGE.leases; made if missing
	Warn     func(text string) // told what may keep the network from working; one line each
}

func (n *Network) upFile() string { return filepath.Join(n.RunDir, "network_up") }

// Start brings the network up. It is ErrRunning if it is up already, and does
// nothing unless the settings want the network. On failure, or when ctx ends,
// nothing is left.
func (n *Network) Start(ctx context.Context) error {
	if !n.Use {
		return nil
	}
	lock, err := n.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	up, err := n.up()
	if err != nil {
		return err
	}
	if up {
		return ErrRunning
	}
	if err := n.remove(); err != nil {
		return err
	}
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { n.remove() })
	for _, step := range []func() error{n.markUp, n.makeBridge, n.addRules, func() error { return n.startDNSMasq(lock) }} {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	undo.Release()
	n.warn()
	return nil
}

// warn tells what may be wrong though everything went well.
func (n *Network) warn() {
	if n.Warn == nil {
		return
	}
	for _, note := range n.Notes {
		n.Warn(note)
	}
	n.warnOfForeignRules()
}

// Stop takes the network down. It is ErrNotRunning if it is not up. The bridge
// stays, without an address, while containers are plugged into it.
func (n *Network) Stop() error {
	if !n.Use {
		return nil
	}
	lock, err := n.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(n.upFile()); err != nil {
		return ErrNotRunning
	}
	return n.remove()
}

// remove takes down whatever there is of the network, however it came about.
func (n *Network) remove() error {
	err := errors.Join(n.stopDNSMasq(), n.removeBridge(), n.removeRules())
	if err != nil {
		return err
	}
	if err := os.Remove(n.upFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// up says whether the network is up: the marker is there, and so are the bridge
// and dnsmasq, the first and the last of what Start makes. A marker alone is a
// remnant: of a Start that was killed, of a /run that survived its machine, of
// a dnsmasq that somebody ended.
func (n *Network) up() (bool, error) {
	if _, err := os.Stat(n.upFile()); err != nil {
		return false, nil
	}
	_, err := netlink.LinkByName(n.Bridge)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", n.Bridge, err)
	}
	d, err := n.findDNSMasq()
	if err != nil || d == nil {
		return false, err
	}
	d.Close()
	return true, nil
}

// markUp makes the marker. It comes first, so that whatever a killed Start has
// made is still Stop's to remove.
func (n *Network) markUp() error { return os.WriteFile(n.upFile(), nil, 0o644) }

// lock makes the run directory, if needed, and holds it (flock(2)) until the
// last copy of the descriptor is closed.
func (n *Network) lock() (*os.File, error) {
	if err := n.makeRunDir(); err != nil {
		return nil, err
	}
	dir, err := os.Open(n.RunDir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		dir.Close()
		return nil, &os.PathError{Op: "flock", Path: n.RunDir, Err: err}
	}
	return dir, nil
}

// makeRunDir makes the run directory. Under SELinux it gets the label dnsmasq
// may write to, which it would not inherit from whoever runs us.
func (n *Network) makeRunDir() error {
	if _, err := os.Stat(n.RunDir); err == nil {
		return nil
	}
	if err := os.MkdirAll(n.RunDir, 0o755); err != nil {
		return err
	}
	if restorecon, err := exec.LookPath("restorecon"); err == nil {
		exec.Command(restorecon, n.RunDir).Run()
	}
	return nil
}
