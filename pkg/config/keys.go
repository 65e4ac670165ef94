package config

import (
	"strings"

	"gantry/internal/log"
	"gantry/pkg/plan"
)

// keys are all keys, sorted by name.
var keys = []key[Config]{
	{name: "lxc.apparmor.allow_incomplete", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.AppArmor.AllowIncomplete }, kind: boolean}},
	{name: "lxc.apparmor.allow_nesting", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.AppArmor.AllowNesting }, kind: boolean}},
	{name: "lxc.apparmor.profile", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.AppArmor.Profile }, kind: text}},
	{name: "lxc.apparmor.raw", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.AppArmor.Raw }, kind: text, layout: lines}},
	{name: "lxc.arch", item: required{&one[Config, int64]{at: func(c *Config) *Value[int64] { return &c.Arch }, kind: arch, def: -1, unset: -1}}},
	{name: "lxc.autodev", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.Autodev }, kind: boolean, def: true}},
	{name: "lxc.autodev.tmpfs.size", item: &one[Config, int]{at: func(c *Config) *Value[int] { return &c.AutodevTmpfsSize }, kind: tmpfsSize, unset: defaultTmpfs}},
	{name: "lxc.cap.drop", item: exclusive{resetCaps{&many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Cap.Drop }, kind: capName, split: strings.Fields, layout: lines}}, keepsCaps}},
	{name: "lxc.cap.keep", item: exclusive{capKeep{&many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Cap.Keep }, kind: capName, split: strings.Fields, layout: lines}}, dropsCaps}},
	{name: "lxc.cgroup.", item: &family[string]{name: "lxc.cgroup.", at: func(c *Config) *[]Member[string] { return &c.Cgroup.Legacy }, kind: text, repeats: true, layout: lines}},
	{name: "lxc.cgroup.dir", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Cgroup.Dir.Parent }, kind: cgroupDir}},
	{name: "lxc.cgroup.dir.container", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Cgroup.Dir.Container }, kind: cgroupDir}},
	{name: "lxc.cgroup.dir.container.inner", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Cgroup.Dir.Inner }, kind: cgroupLeaf}},
	{name: "lxc.cgroup.dir.monitor", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Cgroup.Dir.Monitor }, kind: cgroupDir}},
	{name: "lxc.cgroup.dir.monitor.pivot", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Cgroup.Dir.Pivot }, kind: cgroupDir}},
	{name: "lxc.cgroup.relative", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.Cgroup.Relative }, kind: boolean}},
	{name: "lxc.cgroup2.", item: &family[string]{name: "lxc.cgroup2.", at: func(c *Config) *[]Member[string] { return &c.Cgroup.Unified }, kind: text, repeats: true, layout: lines}},
	{name: "lxc.console.buffer.size", item: &one[Config, uint64]{at: func(c *Config) *Value[uint64] { return &c.Console.BufferSize }, kind: size}},
	{name: "lxc.console.logfile", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Console.LogFile }, kind: path}},
	{name: "lxc.console.path", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Console.Path }, kind: path}},
	{name: "lxc.console.rotate", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.Console.Rotate }, kind: boolean}},
	{name: "lxc.console.size", item: &one[Config, uint64]{at: func(c *Config) *Value[uint64] { return &c.Console.Size }, kind: size}},
	{name: "lxc.environment", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Environment.All }, kind: environ, layout: lines}},
	{name: "lxc.environment.hooks", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Environment.Hooks }, kind: environ, layout: lines}},
	{name: "lxc.environment.runtime", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Environment.Runtime }, kind: environ, layout: lines}},
	{name: "lxc.ephemeral", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.Ephemeral }, kind: boolean}},
	{name: "lxc.execute.cmd", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.ExecuteCmd }, kind: text}},
	{name: "lxc.group", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Group }, kind: text, split: strings.Fields, layout: lines}},
	{name: "lxc.hook", item: allHooks{}},
	{name: "lxc.hook.autodev", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.Autodev }, kind: text, layout: lines}},
	{name: "lxc.hook.clone", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.Clone }, kind: text, layout: lines}},
	{name: "lxc.hook.destroy", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.Destroy }, kind: text, layout: lines}},
	{name: "lxc.hook.mount", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.Mount }, kind: text, layout: lines}},
	{name: "lxc.hook.post-stop", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.PostStop }, kind: text, layout: lines}},
	{name: "lxc.hook.pre-mount", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.PreMount }, kind: text, layout: lines}},
	{name: "lxc.hook.pre-start", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.PreStart }, kind: text, layout: lines}},
	{name: "lxc.hook.start", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.Start }, kind: text, layout: lines}},
	{name: "lxc.hook.start-host", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.StartHost }, kind: text, layout: lines}},
	{name: "lxc.hook.stop", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Hooks.Stop }, kind: text, layout: lines}},
	{name: "lxc.hook.version", item: &one[Config, uint]{at: func(c *Config) *Value[uint] { return &c.Hooks.Version }, kind: hookStyle}},
	{name: "lxc.idmap", item: &many[Config, IDMap]{at: func(c *Config) *[]Value[IDMap] { return &c.IDMap }, kind: idmap, layout: joined}},
	{name: "lxc.include", item: include{}},
	{name: "lxc.init.cmd", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Init.Cmd }, kind: text}},
	{name: "lxc.init.cwd", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Init.Cwd }, kind: path}},
	{name: "lxc.init.gid", item: &one[Config, uint32]{at: func(c *Config) *Value[uint32] { return &c.Init.GID }, kind: id}},
	{name: "lxc.init.groups", item: &many[Config, uint32]{at: func(c *Config) *[]Value[uint32] { return &c.Init.Groups }, kind: id, split: splitCommas, layout: commas}},
	{name: "lxc.init.uid", item: &one[Config, uint32]{at: func(c *Config) *Value[uint32] { return &c.Init.UID }, kind: id}},
	{name: "lxc.keyring.session", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.KeyringSession }, kind: boolean}},
	{name: "lxc.log.file", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Log.File }, kind: path}},
	{name: "lxc.log.level", item: &one[Config, log.Level]{at: func(c *Config) *Value[log.Level] { return &c.Log.Level }, kind: level, def: log.NotSet, unset: log.NotSet}},
	{name: "lxc.log.syslog", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Log.Syslog }, kind: facility}},
	{name: "lxc.monitor.signal.pdeath", item: &one[Config, int]{at: func(c *Config) *Value[int] { return &c.Monitor.SignalDeath }, kind: signals, def: sigkill}},
	{name: "lxc.monitor.unshare", item: &one[Config, uint]{at: func(c *Config) *Value[uint] { return &c.Monitor.Unshare }, kind: unsigned}},
	{name: "lxc.mount.auto", item: mountAuto{&one[Config, MountAuto]{at: func(c *Config) *Value[MountAuto] { return &c.Mount.Auto }, kind: automounts}}},
	{name: "lxc.mount.entry", item: &many[Config, string]{at: func(c *Config) *[]Value[string] { return &c.Mount.Entry }, kind: text, layout: lines}},
	{name: "lxc.mount.fstab", item: required{&one[Config, string]{at: func(c *Config) *Value[string] { return &c.Mount.Fstab }, kind: path}}},
	{name: "lxc.namespace.clone", item: exclusive{namespaceSet{&one[Config, Namespaces]{at: func(c *Config) *Value[Namespaces] { return &c.Namespace.Clone }, kind: namespaces}}, keepsNamespaces}},
	{name: "lxc.namespace.keep", item: exclusive{namespaceSet{&one[Config, Namespaces]{at: func(c *Config) *Value[Namespaces] { return &c.Namespace.Keep }, kind: namespaces}}, clonesNamespaces}},
	{name: "lxc.namespace.share.", item: &family[string]{name: "lxc.namespace.share.", at: func(c *Config) *[]Member[string] { return &c.Namespace.Share }, kind: text, names: namespaceKinds}},
	{name: "lxc.net.", item: networks{}},
	{name: "lxc.no_new_privs", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.NoNewPrivs }, kind: boolean}},
	{name: "lxc.prlimit.", item: &family[Limit]{name: "lxc.prlimit.", at: func(c *Config) *[]Member[Limit] { return &c.Prlimit }, kind: limit}},
	{name: "lxc.proc.", item: &family[string]{name: "lxc.proc.", at: func(c *Config) *[]Member[string] { return &c.Proc }, kind: text, repeats: true, layout: joined}},
	{name: "lxc.pty.max", item: &one[Config, uint]{at: func(c *Config) *Value[uint] { return &c.PtyMax }, kind: unsigned}},
	{name: "lxc.rootfs.managed", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.Rootfs.Managed }, kind: boolean, def: true, unset: true}},
	{name: "lxc.rootfs.mount", item: rootfsMount{&one[Config, string]{at: func(c *Config) *Value[string] { return &c.Rootfs.Mount }, kind: path}}},
	{name: "lxc.rootfs.options", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Rootfs.Options }, kind: rootfsOptions}},
	{name: "lxc.rootfs.path", item: &one[Config, RootfsPath]{at: func(c *Config) *Value[RootfsPath] { return &c.Rootfs.Path }, kind: rootfsPath}},
	{name: "lxc.sched.core", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.SchedCore }, kind: boolean}},
	{name: "lxc.seccomp.allow_nesting", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.Seccomp.AllowNesting }, kind: boolean}},
	{name: "lxc.seccomp.notify.cookie", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Seccomp.NotifyCookie }, kind: text}},
	{name: "lxc.seccomp.notify.proxy", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Seccomp.NotifyProxy }, kind: proxy}},
	{name: "lxc.seccomp.profile", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.Seccomp.Profile }, kind: path}},
	{name: "lxc.selinux.context", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.SELinux.Context }, kind: text}},
	{name: "lxc.selinux.context.keyring", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.SELinux.Keyring }, kind: text}},
	{name: "lxc.signal.halt", item: &one[Config, int]{at: func(c *Config) *Value[int] { return &c.Signal.Halt }, kind: signals}},
	{name: "lxc.signal.reboot", item: &one[Config, int]{at: func(c *Config) *Value[int] { return &c.Signal.Reboot }, kind: signals}},
	{name: "lxc.signal.stop", item: &one[Config, int]{at: func(c *Config) *Value[int] { return &c.Signal.Stop }, kind: signals}},
	{name: "lxc.start.auto", item: &one[Config, bool]{at: func(c *Config) *Value[bool] { return &c.Start.Auto }, kind: boolean}},
	{name: "lxc.start.delay", item: &one[Config, uint]{at: func(c *Config) *Value[uint] { return &c.Start.Delay }, kind: unsigned}},
	{name: "lxc.start.order", item: &one[Config, int]{at: func(c *Config) *Value[int] { return &c.Start.Order }, kind: integer}},
	{name: "lxc.sysctl.", item: &family[string]{name: "lxc.sysctl.", at: func(c *Config) *[]Member[string] { return &c.Sysctl }, kind: text}},
	{name: "lxc.time.offset.boot", item: &one[Config, TimeOffset]{at: func(c *Config) *Value[TimeOffset] { return &c.Time.Boot }, kind: timeOffset}},
	{name: "lxc.time.offset.monotonic", item: &one[Config, TimeOffset]{at: func(c *Config) *Value[TimeOffset] { return &c.Time.Monotonic }, kind: timeOffset}},
	{name: "lxc.tty.dir", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.TTY.Dir }, kind: ttyDir}},
	{name: "lxc.tty.max", item: &one[Config, uint]{at: func(c *Config) *Value[uint] { return &c.TTY.Max }, kind: unsigned}},
	{name: "lxc.uts.name", item: &one[Config, string]{at: func(c *Config) *Value[string] { return &c.UTSName }, kind: hostname}},
}

// sigkill is what the init gets by default when its monitor dies.
const sigkill = 9

func keepsCaps(c *Config) (plan.Origin, bool) { return c.Cap.Keeps.Origin, c.Cap.Keeps.V }

func dropsCaps(c *Config) (plan.Origin, bool) {
	if len(c.Cap.Drop) == 0 {
		return plan.Origin{}, false
	}
	return c.Cap.Drop[0].Origin, true
}

func keepsNamespaces(c *Config) (plan.Origin, bool) {
	return c.Namespace.Keep.Origin, c.Namespace.Keep.V != 0
}

func clonesNamespaces(c *Config) (plan.Origin, bool) {
	return c.Namespace.Clone.Origin, c.Namespace.Clone.V != 0
}

func splitCommas(s string) []string {
	words := strings.Split(s, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}
