// Package hook says how the commands of lxc.hook.* and lxc.net.N.script.* are
// called, and calls those that run on the host (lxc.container.conf(5), HOOKS).
//
// Version 0 passes facts as arguments: NAME SECTION TYPE, then those of the
// stage. Version 1 passes them in the environment, and only the stage's own as
// arguments.
package hook

import (
	"os"
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// A Call is one hook about to be run.
type Call struct {
	Hook    plan.Hook
	Name    string   // of the container
	Version int      // lxc.hook.version
	Extra   []string // the stage's own arguments
	Dir     string   // where Run runs it; empty for the caller's directory
	Stdin   *os.File // what Run gives it; nil for /dev/null
}

// Argv is the shell that runs the hook. The command is the configuration's
// own shell text; what Gantry adds to it is quoted.
func (c Call) Argv() []string {
	words := []string{"exec", c.Hook.Command}
	if c.Version == 0 {
		words = append(words, quote(c.Name), quote(c.Hook.Section), quote(c.Hook.Stage))
	}
	for _, e := range c.Extra {
		words = append(words, quote(e))
	}
	return []string{"/bin/sh", "-c", strings.Join(words, " ")}
}

// Env is env with what the hook's version adds.
func (c Call) Env(env []string) []string {
	env = append(env[:len(env):len(env)], c.Hook.Env...)
	env = append(env, "LXC_HOOK_VERSION="+strconv.Itoa(c.Version))
	if c.Version == 0 {
		return env
	}
	return append(env, "LXC_HOOK_TYPE="+c.Hook.Stage, "LXC_HOOK_SECTION="+c.Hook.Section)
}

// String is what an error calls the hook: `pre-start hook /etc/x`.
func (c Call) String() string {
	if c.Hook.Section == "net" {
		return c.Hook.Stage + " script " + c.Hook.Command
	}
	return c.Hook.Stage + " hook " + c.Hook.Command
}

// quote makes s one word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Merge lays sets of NAME=VALUE over each other: a later one replaces an
// earlier one of the same name.
func Merge(sets ...[]string) []string {
	var env []string
	at := map[string]int{}
	for _, set := range sets {
		for _, entry := range set {
			name, _, _ := strings.Cut(entry, "=")
			if i, ok := at[name]; ok {
				env[i] = entry
				continue
			}
			at[name] = len(env)
			env = append(env, entry)
		}
	}
	return env
}
