// Package device restricts the devices of a container on hosts of cgroup
// version 2, where a BPF program attached to the cgroup answers what
// devices.allow and devices.deny once did.
package device

import (
	"errors"
	"fmt"
	"os"

	"gantry/internal/log"
	"gantry/pkg/cgroup"
	"gantry/pkg/plan"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
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
	program, err := load(d)
	if err != nil {
		return err
	}
	defer program.Close() // the cgroup holds it
	old, err := attached(dir)
	if err != nil {
		return err
	}
	options := link.RawAttachProgramOptions{
		Target:  int(dir.Fd()),
		Program: program,
		Attach:  ebpf.AttachCGroupDevice,
		Flags:   unix.BPF_F_ALLOW_MULTI,
	}
	if old != nil {
		defer old.Close()
		options.Anchor = link.ReplaceProgram(old)
	}
	return link.RawAttachProgram(options)
}

// load gives the program to the kernel. Before Linux 5.11 its memory counts
// as locked memory.
func load(d cgroup.Devices) (*ebpf.Program, error) {
	spec := &ebpf.ProgramSpec{
		Name:         programName,
		Type:         ebpf.CGroupDevice,
		Instructions: instructions(d),
		License:      "Apache-2.0",
	}
	program, err := ebpf.NewProgram(spec)
	if errors.Is(err, unix.EPERM) && rlimit.RemoveMemlock() == nil {
		program, err = ebpf.NewProgram(spec)
	}
	return program, err
}

// attached finds our own program on a cgroup; nil when there is none. The
// caller owns it.
func attached(dir *os.File) (*ebpf.Program, error) {
	result, err := link.QueryPrograms(link.QueryOptions{Target: int(dir.Fd()), Attach: ebpf.AttachCGroupDevice})
	if err != nil {
		return nil, err
	}
	for _, p := range result.Programs {
		program, err := ebpf.NewProgramFromID(p.ID)
		if err != nil {
			continue // detached meanwhile
		}
		if info, err := program.Info(); err == nil && info.Name == programName {
			return program, nil
		}
		program.Close()
	}
	return nil, nil
}
