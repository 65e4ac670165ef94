package lsm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gantry/internal/log"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// Values of lxc.apparmor.profile with a meaning of their own.
const (
	unconfined = "unconfined"
	unchanged  = "unchanged"
	generated  = "generated"
)

// The profiles of a container that names none; the first where it has its own
// cgroup namespace.
const (
	defaultProfileCgns = "lxc-container-default-cgns"
	defaultProfile     = "lxc-container-default"
)

// cacheDir keeps compiled profiles, so that an unchanged one need not be
// compiled again at the next start.
const cacheDir = "/var/cache/lxc/apparmor"

// appArmor is the module of that name, and what of it the kernel has.
type appArmor struct {
	securityfs string // /sys/kernel/security/apparmor
	attr       string // directory below attr whose files are AppArmor's alone, with a slash; empty on old kernels
	stack      bool   // a container can have a policy namespace of its own
	mounts     bool   // mounts can be mediated
}

func detectAppArmor() Module {
	const enabled, securityfs = "/sys/module/apparmor/parameters/enabled", "/sys/kernel/security/apparmor"
	if !isYes(enabled) {
		return nil
	}
	a := appArmor{
		securityfs: securityfs,
		stack:      isYes(securityfs+"/features/domain/stack") && !isYes(securityfs+"/.ns_stacked"),
		mounts:     exists(securityfs + "/features/mount/mask"),
	}
	if exists("/proc/thread-self/attr/apparmor/current") {
		a.attr = "apparmor/"
	}
	return a
}

func isYes(path string) bool {
	b, err := os.ReadFile(path)
	return err == nil && (strings.HasPrefix(string(b), "Y") || strings.HasPrefix(string(b), "y"))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (appArmor) Name() string { return "apparmor" }

func (appArmor) Keyring(plan.LSM) Change { return Change{} }

func (appArmor) Loads(want plan.LSM) bool { return want.AppArmor == generated }

// Label gives the label without the mode the kernel puts behind it.
func (a appArmor) Label(pid int) (string, error) {
	s, err := attribute(pid, a.attr+"current")
	if i := strings.LastIndex(s, " ("); i >= 0 && strings.HasSuffix(s, ")") {
		s = s[:i]
	}
	return s, err
}

// Enter changes the profile at once and not at the exec: an exec into another
// profile would count as set-user-id does and clear the environment of what
// secure_getenv(3) hides.
func (a appArmor) Enter(label string) Change {
	if label == "" || label == unchanged {
		return Change{}
	}
	if now, err := a.Label(0); err == nil && now == label {
		return Change{}
	}
	return Change{a.attr + "current", "changeprofile " + label}
}

// Prepare finds the label; a generated profile is written, compiled and loaded.
func (a appArmor) Prepare(c Container, want plan.LSM, l *log.Logger) (Change, error) {
	label := want.AppArmor
	if label == unchanged {
		return Change{}, nil
	}
	if !a.stack {
		// Confined already, as in a container of a host that cannot stack: the
		// label stays.
		now, err := a.Label(0)
		if err != nil {
			return Change{}, err
		}
		if now != unconfined && !strings.HasPrefix(now, "/usr/bin/lxc-start") {
			if label == "" || label == now {
				return Change{}, nil
			}
			return Change{}, errors.New("this process is confined by AppArmor profile " + now + " already and cannot give its container another one (use unchanged)")
		}
	}
	if label == "" {
		label = defaultProfile
		if c.CgroupNamespaces {
			label = defaultProfileCgns
		}
	}
	if !a.mounts && label != unconfined {
		if !want.AllowPartial {
			return Change{}, errors.New("AppArmor on this kernel cannot mediate mounts; " +
				"if you really want to start this container, set lxc.apparmor.allow_incomplete = 1 in your container configuration file")
		}
		l.Warn("incomplete AppArmor support in the kernel: mounts are not mediated")
	}
	if label == generated {
		if err := a.load(c, want); err != nil {
			a.Remove(c, want, l)
			return Change{}, err
		}
		label = a.generatedLabel(c)
	}
	return a.Enter(label), nil
}

// load gives the container its policy namespace and its profile.
func (a appArmor) load(c Container, want plan.LSM) error {
	if a.stack {
		if err := os.Mkdir(a.namespaceDir(c), 0o755); err != nil && !os.IsExist(err) {
			return fmt.Errorf("no AppArmor namespace for the container: %w", err)
		}
	}
	file := profileFile(c)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	// The parser trusts its cache if the profile is not newer.
	text := a.profile(c, want)
	if old, err := os.ReadFile(file); err != nil || string(old) != text {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return err
	}
	return parser("-rWL", cacheDir, file)
}

// Remove takes the generated profile and the namespace out of the kernel. The
// profile's text stays in the container's directory: with it the next start
// finds the compiled one.
func (a appArmor) Remove(c Container, want plan.LSM, l *log.Logger) error {
	if !a.Loads(want) {
		return nil
	}
	if a.stack {
		if err := os.Remove(a.namespaceDir(c)); err != nil && !os.IsNotExist(err) {
			l.Warn("the container's AppArmor namespace stays: ", err.Error())
		}
	}
	remove := filepath.Join(a.securityfs, ".remove")
	if err := os.WriteFile(remove, []byte(profileName(c)), 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("the container's AppArmor profile stays: %w", err)
	}
	return nil
}

// parser runs apparmor_parser(8).
func parser(args ...string) error {
	out, err := exec.Command("apparmor_parser", args...).CombinedOutput()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("apparmor_parser is not installed, which a generated profile needs (it is in the package apparmor)")
	}
	return fmt.Errorf("apparmor_parser: %w: %s", err, strings.TrimSpace(string(out)))
}
