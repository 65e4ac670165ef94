// Lxc-attach runs a command inside a running container.
//
// # Synopsis
//
//	lxc-attach {-n NAME | NAME} [OPTION...] [-- COMMAND [ARG...]]
//
// # Description
//
// COMMAND, or else the user's login shell, joins the container's namespaces and
// cgroups and runs with its restrictions. If standard input, output or error is
// a terminal, a new one of the container takes its place; other files the caller
// left open are COMMAND's too, unchanged.
//
// # Options
//
//	-e, --elevated-privileges[=LIST]  keep the host's privileges: all, or those
//	                       of LIST, CAP|CGROUP|LSM
//	-a, --arch=ARCH        architecture that the command sees
//	-s, --namespaces=LIST  join these namespaces only, MOUNT|PID|UTSNAME|IPC|
//	                       USER|NETWORK|CGROUP|TIME; implies -e
//	-R, --remount-sys-proc with -s without MOUNT: new /proc and /sys that show
//	                       the namespaces joined
//	    --clear-env        begin with a PATH and container=lxc alone
//	    --keep-env         begin with the caller's (default)
//	    --keep-var=NAME    with --clear-env: keep this variable
//	-v, --set-var=NAME=VALUE  set a variable
//	-L, --pty-log=FILE     copy what the terminal shows into FILE
//	-f, --rcfile=FILE      use this configuration instead of the container's
//	-u, --uid=UID, -g, --gid=GID  identity inside the container
//	-c, --context=CONTEXT  SELinux context of the command
//
// and the options all tools have. -s, -e, -v and --keep-var may be repeated.
//
// # Exit status
//
// That of the command: 128+N if signal N killed it, 127 if it is not there, 126
// if it cannot be executed. 1 if the container cannot be entered.
package main

import (
	"gantry/pkg/container/attach"
	"gantry/pkg/personality"
	"gantry/pkg/tool"
)

func main() {
	o := attach.Options{Arch: -1, UID: -1, GID: -1}
	environment := func(long string, clear bool) tool.Option {
		return tool.Func(long, 0, tool.None, func(string) error {
			o.ClearEnv = clear
			return nil
		})
	}
	tool.Main(tool.Spec{
		Name:     "lxc-attach",
		Synopsis: "--name=NAME [-- COMMAND]",
		Help:     help,
		Options: []tool.Option{
			tool.Func("elevated-privileges", 'e', tool.Optional, func(arg string) error {
				return elevate(&o.Elevated, arg)
			}),
			tool.Func("arch", 'a', tool.Required, func(arg string) (err error) {
				o.Arch, err = personality.Parse(arg)
				return err
			}),
			tool.Func("namespaces", 's', tool.Required, func(arg string) error {
				o.Elevated = attach.ElevateAll
				return selectNamespaces(&o.Namespaces, arg)
			}),
			tool.Bool("remount-sys-proc", 'R', &o.RemountSysProc),
			environment("clear-env", true),
			environment("keep-env", false),
			tool.Strings("keep-var", 0, &o.KeepVars),
			tool.Strings("set-var", 'v', &o.SetVars),
			tool.String("pty-log", 'L', &o.PtyLog),
			tool.Func("rcfile", 'f', tool.Required, nil),
			tool.Func("uid", 'u', tool.Required, func(arg string) error { return id(&o.UID, arg) }),
			tool.Func("gid", 'g', tool.Required, func(arg string) error { return id(&o.GID, arg) }),
			tool.String("context", 'c', &o.Context),
		},
		InheritFDs: true,
	}, func(call *tool.Call) error {
		o.Command = call.Operands
		c, err := call.Open()
		if err != nil {
			return err
		}
		code, err := attach.Run(c, o)
		if err != nil {
			return tool.Exit{Code: max(code, 1), Err: err}
		}
		return tool.Exit{Code: code}
	})
}
