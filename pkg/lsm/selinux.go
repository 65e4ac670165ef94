package lsm

import (
	"os"

	"gantry/internal/log"
	"gantry/pkg/plan"
)

// selinux is the module of that name. Labels are its contexts; policy is the
// host's business, so there is nothing to load.
type selinux struct{}

func detectSELinux() Module {
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err != nil {
		return nil
	}
	return selinux{}
}

func (selinux) Name() string { return "selinux" }

func (selinux) Prepare(_ Container, want plan.LSM, _ *log.Logger) (Change, error) {
	return selinux{}.Enter(want.SELinux), nil
}

func (selinux) Loads(plan.LSM) bool { return false }

func (selinux) Remove(Container, plan.LSM, *log.Logger) error { return nil }

// Keyring labels the keyring as lxc.selinux.context.keyring says, else like
// the container.
func (selinux) Keyring(want plan.LSM) Change {
	context := want.SELinuxKeyring
	if context == "" {
		context = want.SELinux
	}
	if context == "" {
		return Change{}
	}
	return Change{"keycreate", context}
}

func (selinux) Label(pid int) (string, error) { return attribute(pid, "current") }

// Enter takes effect at the next exec. unconfined_t is LXC's word for leaving
// the context alone.
func (selinux) Enter(label string) Change {
	if label == "" || label == "unconfined_t" {
		return Change{}
	}
	return Change{"exec", label}
}
