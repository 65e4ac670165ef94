package stage

import (
	"strconv"

	"gantry/pkg/hook"
	"gantry/pkg/plan"
)

// env is the environment of a hook that runs on the host.
func (r *run) env(extra ...string) []string {
	return hook.Merge(r.Environ, r.plan.HookEnv.Static, r.life(), extra)
}

// life is what a hook can be told once the init is born.
func (r *run) life() []string {
	if r.pid == 0 {
		return nil
	}
	return []string{"LXC_PID=" + strconv.Itoa(r.pid)}
}

// hooks runs the hooks of one stage on the host, in the order of the
// configuration; the first that fails ends them.
func (r *run) hooks(stage string, env []string, extra ...string) error {
	for _, h := range r.plan.Hooks {
		if h.Stage != stage {
			continue
		}
		call := hook.Call{Hook: h, Name: r.plan.Name, Version: r.plan.HookEnv.Version}
		if r.plan.HookEnv.Version == 0 {
			call.Extra = extra
		}
		if err := call.Run(env, r.Log); err != nil {
			return err
		}
	}
	return nil
}

// script runs the script of a network device.
func (r *run) script(h plan.Hook, args, env []string) error {
	call := hook.Call{Hook: h, Name: r.plan.Name, Version: r.plan.HookEnv.Version, Extra: args}
	return call.Run(r.env(env...), r.Log)
}
