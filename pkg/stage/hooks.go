package stage

import (
	"os"
	"strconv"

	"gantry/pkg/hook"
	"gantry/pkg/plan"
)

// env is the environment of a hook that runs on the host.
func (r *run) env(extra ...string) []string {
	return hook.Merge(r.Environ, r.plan.HookEnv.Static, r.life(), r.facts, extra)
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
		if r.plan.HookEnv.Version != 0 {
			extra = nil
		}
		if err := r.call(h, extra, env); err != nil {
			return err
		}
	}
	return nil
}

// call runs one hook on the host. Of a daemon, hooks run where the daemon
// lives: not in the caller's directory, nor with its terminal.
func (r *run) call(h plan.Hook, args, env []string) error {
	call := hook.Call{Hook: h, Name: r.plan.Name, Version: r.plan.HookEnv.Version, Extra: args, Stdin: os.Stdin}
	if r.plan.Daemon {
		call.Dir, call.Stdin = "/", r.in.Null
	}
	return call.Run(r.ctx, env, r.Log)
}

// script runs the script of a network device.
func (r *run) script(h plan.Hook, args, env []string) error {
	if r.plan.HookEnv.Version == 0 {
		env = nil
	}
	return r.call(h, args, r.env(env...))
}
