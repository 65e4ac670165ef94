package stage

import (
	"os"
	"strconv"
	"strings"

	"gantry/pkg/handover"
	"gantry/pkg/hook"
	"gantry/pkg/plan"
)

// env is the environment of a hook that runs on the host.
func (l *life) env(extra ...string) []string {
	return hook.Merge(l.Environ, l.plan.HookEnv.Static, l.facts, extra)
}

// pidFact is what hooks are told from the birth of the init on.
func pidFact(pid int) string { return "LXC_PID=" + strconv.Itoa(pid) }

// hooks runs the hooks of one stage on the host, in the order of the
// configuration; the first that fails ends them.
func (l *life) hooks(stage string, env []string, extra ...string) error {
	for _, h := range l.plan.Hooks {
		if h.Stage != stage {
			continue
		}
		if l.plan.HookEnv.Version != 0 {
			extra = nil
		}
		if err := l.call(h, extra, env); err != nil {
			return err
		}
	}
	return nil
}

// call runs one hook on the host. Of a daemon, hooks run where the daemon
// lives: not in the caller's directory, nor with its terminal.
func (l *life) call(h plan.Hook, args, env []string) error {
	call := hook.Call{Hook: h, Name: l.plan.Name, Version: l.plan.HookEnv.Version, Extra: args, Stdin: os.Stdin}
	if l.plan.Daemon {
		call.Dir, call.Stdin = "/", l.null
	}
	return call.Run(l.ctx, env, l.Log)
}

// script runs the script of a network device.
func (l *life) script(h plan.Hook, args, env []string) error {
	if l.plan.HookEnv.Version == 0 {
		env = nil
	}
	return l.call(h, args, l.env(env...))
}

// nsPath is where a hook finds a namespace of the ended container.
type nsPath struct{ kind, path string }

// namespacePaths are the descriptors this process was lent; it outlives the
// hooks it runs.
func (l *life) namespacePaths() (paths []nsPath) {
	for _, ns := range l.plan.Namespaces {
		if f := l.files[handover.Namespace+ns.Kind]; f != nil {
			paths = append(paths, nsPath{ns.Kind, "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(f.Fd()))})
		}
	}
	return paths
}

// pathEnv is how every hook is told: LXC_NET_NS=/proc/PID/fd/N.
func pathEnv(paths []nsPath) (env []string) {
	for _, p := range paths {
		env = append(env, "LXC_"+strings.ToUpper(p.kind)+"_NS="+p.path)
	}
	return env
}

// pathArgs is how hooks of version 0 are told besides: net:/proc/PID/fd/N.
func pathArgs(paths []nsPath) (args []string) {
	for _, p := range paths {
		args = append(args, p.kind+":"+p.path)
	}
	return args
}
