// Package lsm deals with the kernel's security modules: which label a
// container's processes run under, what a thread writes to get it, and the
// AppArmor profile made for one container.
//
//	module := lsm.Detect()
//	change, err := module.Prepare(container, plan.LSM, log)   // set-up
//	                                  child: write change.Text to /proc/thread-self/attr/change.File
//	module.Remove(container, plan.LSM, log)                   // the container has ended
//
// A label must be written by the thread that takes it, so the package only says
// what to write.
package lsm

import (
	"bytes"
	"os"
	"strconv"

	"gantry/internal/log"
	"gantry/pkg/plan"
)

// A Module is the security module of this kernel that knows labels.
type Module interface {
	// Name is apparmor, selinux or none.
	Name() string
	// Prepare makes ready what the container's label needs and says how its
	// init takes it.
	Prepare(c Container, want plan.LSM, l *log.Logger) (Change, error)
	// Loads says whether Prepare puts something into the kernel that Remove
	// has to take out.
	Loads(want plan.LSM) bool
	// Remove undoes Prepare when the container's last process has ended.
	Remove(c Container, want plan.LSM, l *log.Logger) error
	// Keyring says how the thread that makes the container's session keyring
	// labels it.
	Keyring(want plan.LSM) Change
	// Label reads the label of a process; 0 is the calling thread.
	Label(pid int) (string, error)
	// Enter says how a thread that joins a container takes the label.
	Enter(label string) Change
}

// A Container is what a module has to know about one.
type Container struct {
	Name, LXCPath    string
	Unprivileged     bool // it has id maps
	CgroupNamespaces bool // the kernel has them, whether or not it has one of its own
}

// A Change is one write that changes a thread's label. The zero Change is
// none.
type Change struct {
	File string // below /proc/thread-self/attr
	Text string
}

// Detect finds the module in force.
func Detect() Module {
	if a := detectAppArmor(); a != nil {
		return a
	}
	if s := detectSELinux(); s != nil {
		return s
	}
	return none{}
}

// none stands for a kernel without labels. The keys have no effect there.
type none struct{}

func (none) Name() string                                             { return "none" }
func (none) Prepare(Container, plan.LSM, *log.Logger) (Change, error) { return Change{}, nil }
func (none) Loads(plan.LSM) bool                                      { return false }
func (none) Remove(Container, plan.LSM, *log.Logger) error            { return nil }
func (none) Keyring(plan.LSM) Change                                  { return Change{} }
func (none) Label(int) (string, error)                                { return "", nil }
func (none) Enter(string) Change                                      { return Change{} }

// attribute reads a file below /proc/PID/attr.
func attribute(pid int, file string) (string, error) {
	task := "thread-self"
	if pid != 0 {
		task = strconv.Itoa(pid)
	}
	b, err := os.ReadFile("/proc/" + task + "/attr/" + file)
	return string(bytes.TrimRight(b, "\n\x00")), err
}
