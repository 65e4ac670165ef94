// Lxc-start starts a container.
//
// # Synopsis
//
//	lxc-start {-n NAME | NAME} [-d | -F] [OPTION...] [-- COMMAND [ARG...]]
//
// # Description
//
// The container is made as its configuration says, and its init, or COMMAND, is
// run in it. By default lxc-start returns when the container is RUNNING; a
// monitor process stays behind that looks after it.
//
// # Options
//
//	-d, --daemon            run in the background (default)
//	-F, --foreground        stay, with the terminal as the container's console
//	-p, --pidfile=FILE      write the monitor's pid into FILE while it runs
//	-f, --rcfile=FILE       use this configuration instead of the container's
//	-c, --console=FILE      tty to use as console, or none
//	-L, --console-log=FILE  log what is written to the console
//	-C, --close-all-fds     do not pass inherited files on: always so in Gantry
//	-s, --define KEY=VALUE  set a configuration key for this run
//	    --share-net, --share-ipc, --share-uts, --share-pid=NAME
//	                        share the namespace of a container or process
//
// and the options all tools have.
//
// # Exit status
//
// 0 if the container runs, or ran and was waited for, whatever its init's status
// was, and if it was running already; 1 if it could not be started; 128 + N when
// signal N ended the start before its init could run.
package main

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"

	"gantry/pkg/container"
	"gantry/pkg/container/start"
	"gantry/pkg/tool"
)

const help = `lxc-start starts a container, with COMMAND as its init if given

Options :
  -n, --name=NAME        NAME of the container
  -d, --daemon           Leave the container in the background (default)
  -F, --foreground       Stay, with this terminal as the container's console
  -p, --pidfile=FILE     Write the pid of the monitor into FILE
  -f, --rcfile=FILE      Read the configuration from FILE
  -c, --console=FILE     Use the terminal FILE as the container's console
  -L, --console-log=FILE Write what the console shows into FILE
  -C, --close-all-fds    Pass no inherited files on
                         Note: this is always so
  -s, --define KEY=VAL   Set the configuration key KEY to VAL for this run
      --share-[net|ipc|uts|pid]=NAME Use the namespace of container or process NAME
`

// In the foreground the main thread becomes the monitor: the container lives
// as long as it does.
func init() { runtime.LockOSThread() }

func main() {
	var o start.Options
	var ignored bool
	share := func(kind string) tool.Option {
		return tool.Func("share-"+kind, 0, tool.Required, func(from string) error {
			o.Share = append(o.Share, start.Share{Kind: kind, From: from})
			return nil
		})
	}
	foreground := func(long string, short byte, value bool) tool.Option {
		return tool.Func(long, short, tool.None, func(string) error {
			o.Foreground = value
			return nil
		})
	}
	tool.Main(tool.Spec{
		Name:     "lxc-start",
		Synopsis: "--name=NAME -- COMMAND",
		Help:     help,
		Options: []tool.Option{
			foreground("daemon", 'd', false),
			foreground("foreground", 'F', true),
			tool.Func("rcfile", 'f', tool.Required, nil),
			tool.Func("define", 's', tool.Required, func(arg string) error {
				if key, _, ok := strings.Cut(arg, "="); !ok || !strings.HasPrefix(key, "lxc.") {
					return errors.New("not of the form lxc.KEY=VALUE")
				}
				o.Define = append(o.Define, arg)
				return nil
			}),
			tool.String("console", 'c', &o.Console),
			tool.String("console-log", 'L', &o.ConsoleLog),
			tool.Bool("close-all-fds", 'C', &ignored),
			tool.String("pidfile", 'p', &o.PidFile),
			share("net"), share("ipc"), share("uts"), share("pid"),
		},
		NeedsPath: true,
	}, func(call *tool.Call) error {
		o.Command, o.Listen = call.Operands, call.Listen
		for _, path := range []*string{&o.PidFile, &o.ConsoleLog} {
			if *path == "" {
				continue
			}
			absolute, err := filepath.Abs(*path)
			if err != nil {
				return err
			}
			*path = absolute
		}
		c, err := call.Open()
		if err != nil {
			return err
		}
		err = start.Container(c, o)
		if errors.Is(err, container.ErrRunning) {
			return tool.Exit{Code: 0, Err: err}
		}
		return err
	})
}
