// Lxc-stop stops or reboots a running container.
//
// # Synopsis
//
//	lxc-stop {-n NAME | NAME} [-W] [-r] [-t T] [-k] [--nokill] [--nolock]
//
// # Description
//
// The container's init is asked to shut down by a signal: lxc.signal.halt, or
// SIGRTMIN+3 if the init is systemd, or SIGPWR. lxc-stop waits until it has, and
// until the post-stop hooks have run. A container that has not stopped within the
// timeout is killed.
//
// # Options
//
//	-r, --reboot     ask for a reboot (lxc.signal.reboot, or SIGINT) and wait
//	                 until the container runs again
//	-W, --nowait     do not wait; same as --timeout=0
//	-t, --timeout=T  seconds to wait, 60 by default; -1 waits for ever
//	-k, --kill       do not ask: send lxc.signal.stop, or SIGKILL
//	    --nokill     never kill
//	    --nolock     with -k: take no lock. Gantry takes none to kill anyway
//
// and the options all tools have.
//
// # Exit status
//
// 0 on success, 2 if the container does not run, 1 for any other failure.
package main

import (
	"errors"
	"math"
	"time"

	"gantry/pkg/container"
	"gantry/pkg/tool"
)

const help = `lxc-stop asks a container to shut down

Options :
  -n, --name=NAME   NAME of the container
  -r, --reboot      ask for a reboot instead
  -W, --nowait      return without waiting for the shutdown or reboot
  -t, --timeout=T   wait T seconds, then kill the container; -1 waits for ever
  -k, --kill        kill the container at once
      --nolock      with -k, take no lock
      --nokill      do not kill the container after the timeout
  --rcfile=FILE     Read the configuration from FILE
`

const (
	unset   = -2            // stands for a timeout that was not given
	longest = math.MaxInt32 // seconds; a time.Duration holds four times as much
)

func main() {
	var o container.StopOptions
	var nowait, nolock bool
	timeout := unset
	tool.Main(tool.Spec{
		Name:     "lxc-stop",
		Synopsis: "--name=NAME",
		Help:     help,
		Options: []tool.Option{
			tool.Bool("reboot", 'r', &o.Reboot),
			tool.Bool("nowait", 'W', &nowait),
			tool.Int("timeout", 't', &timeout),
			tool.Bool("kill", 'k', &o.Kill),
			tool.Bool("nokill", 0, &o.NoKill),
			tool.Bool("nolock", 0, &nolock),
		},
	}, func(call *tool.Call) error {
		if nowait {
			timeout = 0
		}
		switch {
		case timeout < unset:
			return errors.New("invalid timeout: -t takes a number of seconds, or -1 to wait for ever")
		case o.Kill && o.NoKill:
			return errors.New("-k can't be used with --nokill")
		case o.Kill && o.Reboot:
			return errors.New("-k can't be used with -r")
		case o.Kill && timeout != unset && timeout != 0:
			return errors.New("-k doesn't allow timeouts")
		case nolock && !o.Kill:
			return errors.New("--nolock may only be used with -k")
		case timeout == unset:
			timeout = 60
		}
		o.Timeout = time.Duration(min(timeout, longest)) * time.Second

		c, err := call.Open()
		if err != nil {
			return err
		}
		err = container.Stop(c, o)
		if errors.Is(err, container.ErrNotRunning) {
			return tool.Exit{Code: 2, Err: err}
		}
		return err
	})
}
