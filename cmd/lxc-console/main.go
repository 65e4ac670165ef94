// Lxc-console connects the terminal to a tty of a running container.
//
// # Synopsis
//
//	lxc-console {-n NAME | NAME} [-t NUMBER] [-e PREFIX]
//
// # Description
//
// What is typed goes to the container's tty and what the tty prints appears.
// Ctrl+a q leaves, Ctrl+a Ctrl+a sends a Ctrl+a.
//
// # Options
//
//	-t, --tty=NUMBER     0 is /dev/console, 1 and above are /dev/ttyNUMBER; by
//	                     default the first that is free
//	-e, --escape=PREFIX  the control key to use instead of Ctrl+a: ^x or x
//
// and the options all tools have.
//
// # Exit status
//
// 0 when left or when the container stops, 1 if there is no such tty, if it is
// taken, or if the container does not run.
package main

import (
	"errors"
	"strconv"

	"gantry/pkg/container"
	"gantry/pkg/tool"
)

const help = `lxc-console connects to a terminal of a running container

Options :
  -n, --name=NAME      NAME of the container
  -t, --tty=NUMBER     number of the tty; 0 is the console
  -e, --escape=PREFIX  control key that comes before a q to leave
  --rcfile=FILE        Read the configuration from FILE
`

func main() {
	o := container.ConsoleOptions{TTY: -1, Escape: 'a' - '`'}
	tool.Main(tool.Spec{
		Name:     "lxc-console",
		Synopsis: "--name=NAME [--tty NUMBER]",
		Help:     help,
		Options: []tool.Option{
			tool.Func("tty", 't', tool.Required, func(arg string) error {
				n, err := strconv.ParseUint(arg, 0, 31)
				if err != nil {
					return errors.New("not the number of a tty")
				}
				o.TTY = int(n)
				return nil
			}),
			tool.Func("escape", 'e', tool.Required, func(arg string) error {
				o.Escape = controlKey(arg)
				return nil
			}),
		},
	}, func(call *tool.Call) error {
		c, err := call.Open()
		if err != nil {
			return err
		}
		return container.Console(c, o)
	})
}
