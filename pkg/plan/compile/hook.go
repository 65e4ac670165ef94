package compile

import (
	"gantry/pkg/config"
	"gantry/pkg/plan"
)

// hooks lists the hooks that run on the host, and says what all hooks are told.
func (m *compiler) hooks() error {
	h := m.c.Hooks
	for _, stage := range []struct {
		name     string
		commands []config.Value[string]
	}{{"pre-start", h.PreStart}, {"start-host", h.StartHost}, {"stop", h.Stop}, {"post-stop", h.PostStop}} {
		for _, command := range stage.commands {
			m.plan.Hooks = append(m.plan.Hooks, hook(stage.name, command))
		}
	}
	env := plan.HookEnv{Version: int(h.Version.V)}
	for _, fact := range []struct{ name, value string }{
		{"LXC_NAME", m.Name},
		{"LXC_CONFIG_FILE", m.ConfigFile},
		{"LXC_ROOTFS_MOUNT", m.c.Rootfs.Mount.V},
		{"LXC_ROOTFS_PATH", m.c.Rootfs.Path.V.Path},
		{"LXC_CONSOLE", m.c.Console.Path.V},
		{"LXC_CONSOLE_LOGPATH", m.c.Console.LogFile.V},
		{"LXC_LOG_LEVEL", m.LogLevel.String()},
	} {
		if fact.value != "" {
			env.Static = append(env.Static, fact.name+"="+fact.value)
		}
	}
	if m.Facts.CgroupNamespaces {
		env.Static = append(env.Static, "LXC_CGNS_AWARE=1")
	}
	e := m.c.Environment
	env.Child = append(values(e.All), values(e.Hooks)...)
	m.plan.HookEnv = env
	return nil
}

func hook(stage string, command config.Value[string]) plan.Hook {
	return plan.Hook{Stage: stage, Section: "lxc", Command: command.V, Origin: command.Origin}
}
