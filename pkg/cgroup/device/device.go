// Package device restricts the devices of a container on hosts of cgroup
// version 2, where a BPF program attached to the cgroup answers what
// devices.allow and devices.deny once did.
//
// The five bpf(2) calls it takes are made here (bpf.go). A library for them
// linked debugging formats, parsers and cryptography into lxc-start, whose
// initialization was a quarter of the time until main began, on hosts of every
// layout. The tests look at the result through that library.
package device

import (
	"errors"
	"fmt"
	"os"

	"gantry/internal/log"
	"gantry/pkg/cgroup"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// programName is the name the kernel knows our programs by. Others may hang on
// the same cgroup (systemd's DeviceAllow=); all of them must agree.
const programName = "lxc_devices"

// Limit applies the devices.* keys of a configuration, on hosts of every
// layout. It comes after the container's /dev is made.
func Limit(s *cgroup.Set, c plan.Cgroup, l *log.Logger) error {
	if err := s.LimitDevices(c, l); err != nil {
		return err
	}
	if !s.Devices.Active {
		return nil
	}
	return Update(s)
}

// Update makes the rules in s.Devices those in force, at once and without a
// gap: the program that an earlier call attached is replaced.
func Update(s *cgroup.Set) error {
	h, ok := s.Unified()
	if !ok {
		return errors.New("device programs want a host of cgroup version 2 alone")
	}
	dir, err := cgroup.Open(h.Dir(s.Limit))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := attach(dir, s.Devices); err != nil {
		return fmt.Errorf("devices of %s: %w", dir.Name(), err)
	}
	return nil
}

func attach(dir *os.File, d cgroup.Devices) error {
	program, err := load(instructions(d))
	if err != nil {
		return err
	}
	defer program.Close() // the cgroup holds it
	old, err := attached(dir)
	if err != nil {
		return err
	}
	defer old.Close() // of nil does no harm
	return attachProgram(dir, program, old)
}

// attached finds our own program on a cgroup; nil when there is none. The
// caller owns it.
func attached(dir *os.File) (*os.File, error) {
	ids, err := query(dir)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		program, err := byID(id)
		if errors.Is(err, unix.ENOENT) {
			continue // detached meanwhile
		}
		if err != nil {
			return nil, err
		}
		if name, err := nameOf(program); err == nil && name == programName {
			return program, nil
		}
		program.Close()
	}
	return nil, nil
}
