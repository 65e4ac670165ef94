// Package guest runs commands on a normal Debian host: a virtual machine with
// systemd as pid 1, AppArmor, Debian's own kernel and one cgroup v2 tree.
//
//	state, err := guest.Boot(cache, guest.Hosts[0], log)       // once: minutes
//	state, err = state.Derive("gantry", key, job)              // once: a job whose effects stay
//	status, err := state.Run(job)                              // each time: seconds
//
// A State is a machine held still, memory, devices and disk. Run goes on from
// it on copies that are thrown away afterwards, so that every job finds the same
// fresh host. Only QEMU's emulation of a processor is used: it is there
// everywhere, and 5 to 20 times slower than the machine in system calls and
// processes.
//
// A job is a directory with a program named command, which the guest sees as
// /run/host and runs as root in a login session. The agent in the guest
// (files/agent) is told on a virtio port.
package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A Host is a kind of guest.
type Host struct {
	Name    string
	Release string // of Debian
	Append  string // more kernel parameters
}

// Hosts are the guests there are. The last has systemd's hybrid layout of
// cgroups: v1 controllers, and a v2 tree without any.
var Hosts = []Host{
	{"bookworm", "bookworm", ""},
	{"trixie", "trixie", ""},
	{"hybrid", "bookworm", "systemd.unified_cgroup_hierarchy=0"},
}

// A State is a machine held still.
type State struct {
	image image
	host  Host
	dir   string // disk.qcow2, ram, devices
}

// A Job is something to do in a guest.
type Job struct {
	Share          string // the host's directory, with the program command in it
	Stdout, Stderr io.Writer
	Limit          time.Duration
}

// Boot gives the host as it is when it has booted. Image and state are made if
// the cache does not hold them; log is told what takes its time.
func Boot(cache string, h Host, log func(string)) (*State, error) {
	im, err := prepare(cache, h.Release, log)
	if err != nil {
		return nil, err
	}
	s := &State{image: im, host: h, dir: filepath.Join(im.dir, "states", h.Name)}
	return s, im.locked(func() error {
		if s.exists() {
			return nil
		}
		log("booting " + h.Name)
		return s.make(im.disk(), func(dir string) (*machine, error) {
			return start(s.setting(dir), "", filepath.Join(dir, "ram"), true)
		}, func(m *machine) error {
			if err := m.ready(15 * time.Minute); err != nil {
				return err
			}
			time.Sleep(5 * time.Second) // what still starts after multi-user.target
			return nil
		})
	})
}

// Derive gives the state the machine is in after a job. Where one of that name
// and key is there, it is taken; one with another key is replaced.
func (s *State) Derive(name, key string, job Job) (*State, error) {
	d := &State{image: s.image, host: s.host, dir: s.dir + "+" + name}
	return d, s.image.locked(func() error {
		if was, err := os.ReadFile(filepath.Join(d.dir, "key")); err == nil && string(was) == key && d.exists() {
			return nil
		}
		return d.make(filepath.Join(s.dir, "disk.qcow2"), func(dir string) (*machine, error) {
			ram := filepath.Join(dir, "ram")
			if out, err := exec.Command("cp", "--sparse=always", filepath.Join(s.dir, "ram"), ram).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%w: %s", err, out)
			}
			set := s.setting(dir)
			set.share = job.Share
			return start(set, filepath.Join(s.dir, "devices"), ram, true)
		}, func(m *machine) error {
			status, err := m.do(job)
			if err == nil && status != 0 {
				err = fmt.Errorf("the job ended with status %d", status)
			}
			return errors.Join(err, os.WriteFile(filepath.Join(filepath.Dir(m.set.disk), "key"), []byte(key), 0o644))
		})
	})
}

// Run does a job on a copy of the machine. The status is the command's.
func (s *State) Run(job Job) (status int, err error) {
	dir, err := os.MkdirTemp(s.image.dir, "run-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	set := s.setting(dir)
	set.share = job.Share
	if err := overlay(set.disk, filepath.Join(s.dir, "disk.qcow2"), "qcow2"); err != nil {
		return 0, err
	}
	m, err := start(set, filepath.Join(s.dir, "devices"), filepath.Join(s.dir, "ram"), false)
	if err != nil {
		return 0, err
	}
	defer m.stop()
	return m.do(job)
}

func (s *State) exists() bool {
	_, err := os.Stat(filepath.Join(s.dir, "devices"))
	return err == nil
}

func (s *State) setting(dir string) setting {
	return setting{image: s.image, append: s.host.Append, dir: dir, disk: filepath.Join(dir, "disk.qcow2")}
}

// make makes the state's directory: a disk over another one, a machine, what
// it is to do, and then its memory and devices.
func (s *State) make(below string, begin func(dir string) (*machine, error), work func(*machine) error) error {
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	dir := s.dir + ".new"
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	format := "qcow2"
	if below == s.image.disk() {
		format = "raw"
	}
	if err := overlay(filepath.Join(dir, "disk.qcow2"), below, format); err != nil {
		return err
	}
	m, err := begin(dir)
	if err != nil {
		return err
	}
	defer m.stop()
	if err := work(m); err != nil {
		return err
	}
	if err := m.save(filepath.Join(dir, "devices")); err != nil {
		return err
	}
	m.stop()
	return os.Rename(dir, s.dir)
}

// overlay makes a disk that holds what differs from another one.
func overlay(disk, below, format string) error {
	out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", format, disk).CombinedOutput()
	if err != nil {
		return fmt.Errorf("qemu-img: %w: %s", err, out)
	}
	return nil
}

// locked keeps other processes from making the same files.
func (i image) locked(f func() error) error {
	lock, err := os.OpenFile(i.dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	return f()
}

// within gives a context that ends after a time; none for zero.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), d)
}
