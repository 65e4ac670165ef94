package network

import "gantry/pkg/plan"

// A Script runs a hook of lxc.net.N.script.up or .down on the host. args are
// what follows NAME SECTION TYPE (hook version 0), or all arguments (version
// 1); env are the NAME=VALUE to add for version 1.
type Script func(hook plan.Hook, args, env []string) error

// script runs hook, if there is one, with what scripts are told of the device:
// TYPE [LINK] [HOSTVETH].
func (l *Live) script(hook *plan.Hook, run Script) error {
	if hook == nil || l.Type == "none" {
		return nil
	}
	args := []string{l.Type}
	env := []string{"LXC_NET_TYPE=" + l.Type}
	if l.Type != "empty" {
		env = append(env, "LXC_NET_PARENT="+l.Link)
		if l.Link != "" {
			args = append(args, l.Link)
		}
	}
	if l.Type == "veth" {
		args = append(args, l.Host)
		env = append(env, "LXC_NET_PEER="+l.Host)
	}
	return run(*hook, args, env)
}
