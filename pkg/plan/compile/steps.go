package compile

import (
	"strings"

	"gantry/pkg/config"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// steps writes down what the child does, in LXC's order. It waits for set-up
// as late as the order allows, so that both work at the same time.
func (m *compiler) steps() error {
	entries, err := m.entries()
	if err != nil {
		return err
	}
	h := m.c.Hooks
	m.birth()
	m.add(plan.Step{Op: plan.OpSlave})
	m.hookSteps("pre-mount", h.PreMount)
	m.add(plan.Step{Op: plan.OpRootfs, Origin: m.plan.Rootfs.Origin})
	m.identity()

	if m.c.Autodev.V {
		m.add(m.devTmpfs()...)
	}
	m.add(m.automounts()...)
	m.add(entries...)
	m.cgroupMounts()
	m.hookSteps("mount", h.Mount)
	if m.c.Autodev.V {
		m.hookSteps("autodev", h.Autodev)
		m.add(m.devNodes()...)
	}
	m.add(m.devTerminals()...)

	if m.plan.Rootfs.Path != "" {
		m.add(plan.Step{Op: plan.OpPivot, Origin: m.plan.Rootfs.Origin})
	}
	if t := m.c.Mount.Auto; t.V.Shmounts.Host != "" {
		m.add(plan.Step{Op: plan.OpShmounts, In: plan.Inside, Path: strings.Trim(t.V.Shmounts.Inside, "/"), Origin: t.Origin})
	}
	if m.c.Autodev.V {
		m.add(plan.Step{Op: plan.OpBootID, Optional: true})
	}
	m.confine()
	m.hookSteps("start", h.Start)
	m.add(
		plan.Step{Op: plan.OpWait, Stage: "go"},
		plan.Step{Op: plan.OpExec, Origin: m.plan.Init.Origin},
	)
	return nil
}

func (m *compiler) add(steps ...plan.Step) { m.plan.Steps = append(m.plan.Steps, steps...) }

// birth is what only the first steps can do.
func (m *compiler) birth() {
	if m.c.SchedCore.V {
		m.add(plan.Step{Op: plan.OpCoreSched, Origin: m.c.SchedCore.Origin})
	}
	if m.makes("time") {
		t := m.c.Time
		m.add(plan.Step{Op: plan.OpUnshare, Stage: "time", Source: timens(t.Boot.V, t.Monotonic.V), Origin: first(t.Boot.Origin, t.Monotonic.Origin)})
	}
	if m.makes("user") {
		// Whoever changes his ids has no /proc/self of his own any more.
		m.add(plan.Step{Op: plan.OpWait, Stage: "ids"}, plan.Step{Op: plan.OpBecome})
	}
	if m.Facts.Unified {
		m.cgroupNamespace()
	}
}

// identity gives the container its name and its keys.
func (m *compiler) identity() {
	if name := m.c.UTSName; name.V != "" && m.makes("uts") {
		m.add(plan.Step{Op: plan.OpHostname, Source: name.V, Origin: name.Origin})
	}
	if !m.c.KeyringSession.V {
		m.add(plan.Step{Op: plan.OpKeyring, Origin: m.c.KeyringSession.Origin})
	}
}

// cgroupNamespace makes the cgroup namespace, whose root is the cgroup the
// child is in by then.
func (m *compiler) cgroupNamespace() {
	if m.reached["cgroup"] || !m.makes("cgroup") {
		return
	}
	m.reached["cgroup"] = true
	if !m.Facts.Unified {
		m.add(plan.Step{Op: plan.OpWait, Stage: "cgroup"})
	}
	m.add(plan.Step{Op: plan.OpUnshare, Stage: "cgroup"})
}

// network waits for the container's network.
func (m *compiler) network() {
	if m.reached["network"] || len(m.plan.Networks) == 0 {
		return
	}
	m.reached["network"] = true
	m.add(plan.Step{Op: plan.OpNetwork, Origin: m.plan.Networks[0].Origin})
}

// hookSteps runs hooks inside. They may expect all of the container's
// namespaces and its network.
func (m *compiler) hookSteps(stage string, commands []config.Value[string]) {
	if len(commands) == 0 {
		return
	}
	m.cgroupNamespace()
	m.network()
	for _, command := range commands {
		h := hook(stage, command)
		if names := m.ttyNames(); stage == "start" && names != "" {
			h.Env = append(h.Env, names)
		}
		m.add(plan.Step{Op: plan.OpHook, Stage: stage, Hook: &h, Origin: command.Origin})
	}
}

// cgroupMounts mounts the cgroup file systems.
func (m *compiler) cgroupMounts() {
	auto := m.c.Mount.Auto
	if auto.V.Cgroup.Kind == "" {
		return
	}
	// Where the init is able to mount them itself and has no need of anything
	// special, LXC leaves it to the init: then this step mounts nothing.
	idle := !m.Facts.Unified && m.makes("cgroup") && m.holds(unix.CAP_SYS_ADMIN) && !auto.V.Cgroup.Force
	if !idle {
		m.cgroupNamespace()
	}
	m.add(plan.Step{Op: plan.OpCgroups, In: plan.Inside, Path: "sys/fs/cgroup", Source: auto.V.Cgroup.String(), Origin: auto.Origin})
}

// confine is what takes rights away, and what needs them for the last time.
func (m *compiler) confine() {
	if m.plan.Init.Personality >= 0 {
		m.add(plan.Step{Op: plan.OpPersona, Origin: m.c.Arch.Origin})
	}
	m.cgroupNamespace()
	m.network()
	for _, s := range m.c.Sysctl {
		m.add(plan.Step{Op: plan.OpSysctl, In: plan.Inside, Path: slashes(s.Name), Source: s.V, Origin: s.Origin})
	}
	m.add(plan.Step{Op: plan.OpCaps, Origin: m.plan.Init.Caps.Origin})
	m.add(plan.Step{Op: plan.OpLSM, Origin: first(m.c.AppArmor.Profile.Origin, m.c.SELinux.Context.Origin)})
	if m.c.NoNewPrivs.V {
		m.add(plan.Step{Op: plan.OpNoNewPriv, Origin: m.c.NoNewPrivs.Origin})
	}
	m.add(plan.Step{Op: plan.OpStdio})
	if p := m.c.Seccomp.Profile; p.V != "" {
		m.add(plan.Step{Op: plan.OpSeccomp, Origin: p.Origin})
	}
}
