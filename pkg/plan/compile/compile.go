// Package compile makes a plan of a configuration.
//
// It decides everything the configuration alone decides, and refuses what
// cannot work: the error names the line and says what to do. What hooks may
// still make (the rootfs, a bridge, the source of a mount) is not looked at; the
// plan's step finds it or fails.
//
// The package makes no system call: what it has to know of kernel and caller
// comes in as Options.
package compile

import (
	"strings"

	"gantry/internal/log"
	"gantry/pkg/config"
	"gantry/pkg/idmap"
	"gantry/pkg/plan"
)

// Options is what a plan depends on besides the configuration.
type Options struct {
	Name           string
	LXCPath        string
	DefaultLXCPath string // that of lxc.conf; absolute mount targets may begin with it
	ConfigFile     string // what hooks are told; empty without a file
	Daemon         bool

	Kind plan.InitKind // MiniInit for lxc-execute
	Argv []string      // `-- CMD`; empty for the configured one

	CgroupPattern string   // lxc.cgroup.pattern of lxc.conf, %n replaced
	CgroupUse     []string // lxc.cgroup.use of lxc.conf; nil is all

	LogLevel log.Level // in force: what hooks are told
	Facts    Facts

	// ReadFile reads the file lxc.mount.fstab names.
	ReadFile func(name string) ([]byte, error)
	// Log takes warnings; nil drops them.
	Log *log.Logger
}

// Facts is what the plan has to know of the kernel.
type Facts struct {
	CgroupNamespaces bool // cgroup_namespaces(7)
	TimeNamespaces   bool // time_namespaces(7)
	// Unified: the host mounts version 2 of cgroups alone. The init is then
	// born in its cgroup and needs not wait to be moved there.
	Unified bool
}

// compiler is one plan being made.
type compiler struct {
	c *config.Config
	Options
	plan    *plan.Plan
	reached map[string]bool // barriers the steps have passed
}

// Plan makes the plan of c. The error names the line of the configuration.
func Plan(c *config.Config, o Options) (*plan.Plan, error) {
	p := &plan.Plan{Name: o.Name, LXCPath: o.LXCPath, ConfigFile: o.ConfigFile, Daemon: o.Daemon}
	m := &compiler{c: c, Options: o, plan: p, reached: map[string]bool{}}
	for _, part := range []func() error{
		m.unsupported,
		m.idMaps,
		m.namespaces,
		m.rootfs,
		m.terminals,
		m.command,
		m.cgroup,
		m.networks,
		m.processLimits,
		m.hooks,
		m.steps,
	} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	m.rest()
	return p, nil
}

// idMaps takes lxc.idmap over.
func (m *compiler) idMaps() error {
	for _, v := range m.c.IDMap {
		m.plan.IDMaps = append(m.plan.IDMaps, plan.IDMap{
			Kind: v.V.Kind, Inside: v.V.Inside, Host: v.V.Host, Count: v.V.Count, Origin: v.Origin,
		})
	}
	return idmap.Check(m.plan.IDMaps, m.c.Init.UID.V, m.c.Init.GID.V)
}

// rest takes over what needs no thought.
func (m *compiler) rest() {
	p := m.plan
	for _, w := range m.c.Proc {
		p.Proc = append(p.Proc, plan.Write{Path: slashes(w.Name), Value: w.V, Origin: w.Origin})
	}
	p.LSM = plan.LSM{
		AppArmor:       m.c.AppArmor.Profile.V,
		AppArmorOrigin: m.c.AppArmor.Profile.Origin,
		AllowNesting:   m.c.AppArmor.AllowNesting.V,
		AllowPartial:   m.c.AppArmor.AllowIncomplete.V,
		Raw:            values(m.c.AppArmor.Raw),
		SELinux:        m.c.SELinux.Context.V,
		SELinuxKeyring: m.c.SELinux.Keyring.V,
		SELinuxOrigin:  m.c.SELinux.Context.Origin,
	}
	p.Seccomp = plan.Seccomp{
		Profile:      m.c.Seccomp.Profile.V,
		AllowNesting: m.c.Seccomp.AllowNesting.V,
		Origin:       m.c.Seccomp.Profile.Origin,
		Proxy:        m.c.Seccomp.NotifyProxy.V,
		Cookie:       m.c.Seccomp.NotifyCookie.V,
		ProxyOrigin:  m.c.Seccomp.NotifyProxy.Origin,
	}
	p.StopSignal = m.c.Signal.Stop.V
	p.Ephemeral = m.c.Ephemeral.V
}

// values takes the values of a list without their origins.
func values[T any](list []config.Value[T]) []T {
	var plain []T
	for _, v := range list {
		plain = append(plain, v.V)
	}
	return plain
}

// slashes makes a path of a dotted name: net.core.somaxconn of lxc.sysctl.
func slashes(name string) string { return strings.ReplaceAll(name, ".", "/") }
