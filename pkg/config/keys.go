package config

import (
	"strings"

	"gantry/internal/log"
)

// keys are all keys, sorted by name.
var keys = []key[Config]{
	{name: "lxc.apparmor.allow_incomplete", item: one(func(c *Config) *Value[bool] { return &c.AppArmor.AllowIncomplete }, boolean)},
	{name: "lxc.apparmor.allow_nesting", item: one(func(c *Config) *Value[bool] { return &c.AppArmor.AllowNesting }, boolean)},
	{name: "lxc.apparmor.profile", item: one(func(c *Config) *Value[string] { return &c.AppArmor.Profile }, text)},
	{name: "lxc.apparmor.raw", item: many(func(c *Config) *[]Value[string] { return &c.AppArmor.Raw }, text, nil, lines)},
	{name: "lxc.arch", item: required{one(func(c *Config) *Value[int64] { return &c.Arch }, arch).is(-1)}},
	{name: "lxc.autodev", item: one(func(c *Config) *Value[bool] { return &c.Autodev }, boolean).starts(true)},
	{name: "lxc.autodev.tmpfs.size", item: one(func(c *Config) *Value[int] { return &c.AutodevTmpfsSize }, tmpfsSize).clears(defaultTmpfs)},
	{name: "lxc.cap.drop", item: exclusive{resetCaps{many(func(c *Config) *[]Value[string] { return &c.Cap.Drop }, capName, strings.Fields, lines)}, keepsCaps, "cannot be used together with lxc.cap.keep (an empty lxc.cap.keep forgets that)"}},
	{name: "lxc.cap.keep", item: exclusive{capKeep{many(func(c *Config) *[]Value[string] { return &c.Cap.Keep }, capName, strings.Fields, lines)}, dropsCaps, "cannot be used together with lxc.cap.drop (an empty lxc.cap.drop forgets that)"}},
	{name: "lxc.cgroup.", item: &family[string]{name: "lxc.cgroup.", field: func(c *Config) *[]Member[string] { return &c.Cgroup.Legacy }, kind: text, repeats: true, layout: lines}},
	{name: "lxc.cgroup.dir", item: one(func(c *Config) *Value[string] { return &c.Cgroup.Dir.Parent }, cgroupDir)},
	{name: "lxc.cgroup.dir.container", item: one(func(c *Config) *Value[string] { return &c.Cgroup.Dir.Container }, cgroupDir)},
	{name: "lxc.cgroup.dir.container.inner", item: one(func(c *Config) *Value[string] { return &c.Cgroup.Dir.Inner }, cgroupLeaf)},
	{name: "lxc.cgroup.dir.monitor", item: one(func(c *Config) *Value[string] { return &c.Cgroup.Dir.Monitor }, cgroupDir)},
	{name: "lxc.cgroup.dir.monitor.pivot", item: one(func(c *Config) *Value[string] { return &c.Cgroup.Dir.Pivot }, cgroupDir)},
	{name: "lxc.cgroup.relative", item: one(func(c *Config) *Value[bool] { return &c.Cgroup.Relative }, boolean)},
	{name: "lxc.cgroup2.", item: &family[string]{name: "lxc.cgroup2.", field: func(c *Config) *[]Member[string] { return &c.Cgroup.Unified }, kind: text, repeats: true, layout: lines}},
	{name: "lxc.console.buffer.size", item: one(func(c *Config) *Value[uint64] { return &c.Console.BufferSize }, size)},
	{name: "lxc.console.logfile", item: one(func(c *Config) *Value[string] { return &c.Console.LogFile }, path)},
	{name: "lxc.console.path", item: one(func(c *Config) *Value[string] { return &c.Console.Path }, path)},
	{name: "lxc.console.rotate", item: one(func(c *Config) *Value[bool] { return &c.Console.Rotate }, boolean)},
	{name: "lxc.console.size", item: one(func(c *Config) *Value[uint64] { return &c.Console.Size }, size)},
	{name: "lxc.environment", item: many(func(c *Config) *[]Value[string] { return &c.Environment.All }, environ, nil, lines)},
	{name: "lxc.environment.hooks", item: many(func(c *Config) *[]Value[string] { return &c.Environment.Hooks }, environ, nil, lines)},
	{name: "lxc.environment.runtime", item: many(func(c *Config) *[]Value[string] { return &c.Environment.Runtime }, environ, nil, lines)},
	{name: "lxc.ephemeral", item: one(func(c *Config) *Value[bool] { return &c.Ephemeral }, boolean)},
	{name: "lxc.execute.cmd", item: one(func(c *Config) *Value[string] { return &c.ExecuteCmd }, text)},
	{name: "lxc.group", item: many(func(c *Config) *[]Value[string] { return &c.Group }, text, strings.Fields, lines)},
	{name: "lxc.hook", item: allHooks{}},
	{name: "lxc.hook.autodev", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.Autodev }, text, nil, lines)},
	{name: "lxc.hook.clone", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.Clone }, text, nil, lines)},
	{name: "lxc.hook.destroy", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.Destroy }, text, nil, lines)},
	{name: "lxc.hook.mount", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.Mount }, text, nil, lines)},
	{name: "lxc.hook.post-stop", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.PostStop }, text, nil, lines)},
	{name: "lxc.hook.pre-mount", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.PreMount }, text, nil, lines)},
	{name: "lxc.hook.pre-start", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.PreStart }, text, nil, lines)},
	{name: "lxc.hook.start", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.Start }, text, nil, lines)},
	{name: "lxc.hook.start-host", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.StartHost }, text, nil, lines)},
	{name: "lxc.hook.stop", item: many(func(c *Config) *[]Value[string] { return &c.Hooks.Stop }, text, nil, lines)},
	{name: "lxc.hook.version", item: one(func(c *Config) *Value[uint] { return &c.Hooks.Version }, hookStyle)},
	{name: "lxc.idmap", item: many(func(c *Config) *[]Value[IDMap] { return &c.IDMap }, idmap, nil, joined)},
	{name: "lxc.include", item: include{}},
	{name: "lxc.init.cmd", item: one(func(c *Config) *Value[string] { return &c.Init.Cmd }, text)},
	{name: "lxc.init.cwd", item: one(func(c *Config) *Value[string] { return &c.Init.Cwd }, path)},
	{name: "lxc.init.gid", item: one(func(c *Config) *Value[uint32] { return &c.Init.GID }, id)},
	{name: "lxc.init.groups", item: many(func(c *Config) *[]Value[uint32] { return &c.Init.Groups }, id, splitCommas, commas)},
	{name: "lxc.init.uid", item: one(func(c *Config) *Value[uint32] { return &c.Init.UID }, id)},
	{name: "lxc.keyring.session", item: one(func(c *Config) *Value[bool] { return &c.KeyringSession }, boolean)},
	{name: "lxc.log.file", item: one(func(c *Config) *Value[string] { return &c.Log.File }, path)},
	{name: "lxc.log.level", item: one(func(c *Config) *Value[log.Level] { return &c.Log.Level }, level).is(log.NotSet)},
	{name: "lxc.log.syslog", item: one(func(c *Config) *Value[string] { return &c.Log.Syslog }, facility)},
	{name: "lxc.monitor.signal.pdeath", item: one(func(c *Config) *Value[int] { return &c.Monitor.SignalDeath }, signals).starts(sigkill)},
	{name: "lxc.monitor.unshare", item: one(func(c *Config) *Value[uint] { return &c.Monitor.Unshare }, unsigned)},
	{name: "lxc.mount.auto", item: mountAuto{one(func(c *Config) *Value[MountAuto] { return &c.Mount.Auto }, automounts)}},
	{name: "lxc.mount.entry", item: many(func(c *Config) *[]Value[string] { return &c.Mount.Entry }, text, nil, lines)},
	{name: "lxc.mount.fstab", item: required{one(func(c *Config) *Value[string] { return &c.Mount.Fstab }, path)}},
	{name: "lxc.namespace.clone", item: exclusive{namespaceSet{one(func(c *Config) *Value[Namespaces] { return &c.Namespace.Clone }, namespaces)}, keepsNamespaces, "cannot be used together with lxc.namespace.keep"}},
	{name: "lxc.namespace.keep", item: exclusive{namespaceSet{one(func(c *Config) *Value[Namespaces] { return &c.Namespace.Keep }, namespaces)}, clonesNamespaces, "cannot be used together with lxc.namespace.clone"}},
	{name: "lxc.namespace.share.", item: &family[string]{name: "lxc.namespace.share.", field: func(c *Config) *[]Member[string] { return &c.Namespace.Share }, kind: text, names: namespaceKinds}},
	{name: "lxc.net.", item: networks{}},
	{name: "lxc.no_new_privs", item: one(func(c *Config) *Value[bool] { return &c.NoNewPrivs }, boolean)},
	{name: "lxc.prlimit.", item: &family[Limit]{name: "lxc.prlimit.", field: func(c *Config) *[]Member[Limit] { return &c.Prlimit }, kind: limit}},
	{name: "lxc.proc.", item: &family[string]{name: "lxc.proc.", field: func(c *Config) *[]Member[string] { return &c.Proc }, kind: text, repeats: true, layout: joined}},
	{name: "lxc.pty.max", item: one(func(c *Config) *Value[uint] { return &c.PtyMax }, unsigned)},
	{name: "lxc.rootfs.managed", item: one(func(c *Config) *Value[bool] { return &c.Rootfs.Managed }, boolean).is(true)},
	{name: "lxc.rootfs.mount", item: rootfsMount{one(func(c *Config) *Value[string] { return &c.Rootfs.Mount }, path)}},
	{name: "lxc.rootfs.options", item: one(func(c *Config) *Value[string] { return &c.Rootfs.Options }, rootfsOptions)},
	{name: "lxc.rootfs.path", item: one(func(c *Config) *Value[RootfsPath] { return &c.Rootfs.Path }, rootfsPath)},
	{name: "lxc.sched.core", item: one(func(c *Config) *Value[bool] { return &c.SchedCore }, boolean)},
	{name: "lxc.seccomp.allow_nesting", item: one(func(c *Config) *Value[bool] { return &c.Seccomp.AllowNesting }, boolean)},
	{name: "lxc.seccomp.notify.cookie", item: one(func(c *Config) *Value[string] { return &c.Seccomp.NotifyCookie }, text)},
	{name: "lxc.seccomp.notify.proxy", item: one(func(c *Config) *Value[string] { return &c.Seccomp.NotifyProxy }, proxy)},
	{name: "lxc.seccomp.profile", item: one(func(c *Config) *Value[string] { return &c.Seccomp.Profile }, path)},
	{name: "lxc.selinux.context", item: one(func(c *Config) *Value[string] { return &c.SELinux.Context }, text)},
	{name: "lxc.selinux.context.keyring", item: one(func(c *Config) *Value[string] { return &c.SELinux.Keyring }, text)},
	{name: "lxc.signal.halt", item: one(func(c *Config) *Value[int] { return &c.Signal.Halt }, signals)},
	{name: "lxc.signal.reboot", item: one(func(c *Config) *Value[int] { return &c.Signal.Reboot }, signals)},
	{name: "lxc.signal.stop", item: one(func(c *Config) *Value[int] { return &c.Signal.Stop }, signals)},
	{name: "lxc.start.auto", item: one(func(c *Config) *Value[bool] { return &c.Start.Auto }, boolean)},
	{name: "lxc.start.delay", item: one(func(c *Config) *Value[uint] { return &c.Start.Delay }, unsigned)},
	{name: "lxc.start.order", item: one(func(c *Config) *Value[int] { return &c.Start.Order }, integer)},
	{name: "lxc.sysctl.", item: &family[string]{name: "lxc.sysctl.", field: func(c *Config) *[]Member[string] { return &c.Sysctl }, kind: text}},
	{name: "lxc.time.offset.boot", item: one(func(c *Config) *Value[TimeOffset] { return &c.Time.Boot }, timeOffset)},
	{name: "lxc.time.offset.monotonic", item: one(func(c *Config) *Value[TimeOffset] { return &c.Time.Monotonic }, timeOffset)},
	{name: "lxc.tty.dir", item: one(func(c *Config) *Value[string] { return &c.TTY.Dir }, ttyDir)},
	{name: "lxc.tty.max", item: one(func(c *Config) *Value[uint] { return &c.TTY.Max }, unsigned)},
	{name: "lxc.uts.name", item: one(func(c *Config) *Value[string] { return &c.UTSName }, hostname)},
}

// sigkill is what the init gets by default when its monitor dies.
const sigkill = 9

func keepsCaps(c *Config) bool        { return c.Cap.Keeps.V }
func dropsCaps(c *Config) bool        { return len(c.Cap.Drop) > 0 }
func keepsNamespaces(c *Config) bool  { return c.Namespace.Keep.V != 0 }
func clonesNamespaces(c *Config) bool { return c.Namespace.Clone.V != 0 }

func splitCommas(s string) []string {
	words := strings.Split(s, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}
