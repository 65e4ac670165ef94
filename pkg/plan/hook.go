package plan

// A Hook is one command of lxc.hook.STAGE or lxc.net.N.script.*.
type Hook struct {
	Stage   string   // pre-start pre-mount mount autodev start-host start stop post-stop clone destroy; up down for scripts
	Section string   // lxc or net
	Command string   // as configured: a path with arguments, run by /bin/sh -c "exec COMMAND ..."
	Env     []string `json:",omitempty"` // NAME=VALUE for this hook alone: container_ttys of start
	Origin  Origin
}

// HookEnv is what every hook's environment has besides the caller's.
type HookEnv struct {
	Version int      // lxc.hook.version: 0 arguments, 1 environment
	Static  []string // NAME=VALUE: LXC_NAME, LXC_CONFIG_FILE, LXC_ROOTFS_MOUNT, LXC_ROOTFS_PATH, ... and lxc.environment[.hooks] from the child's birth on
	Child   []string // NAME=VALUE added for the hooks the child runs (lxc.environment, lxc.environment.hooks)
}
