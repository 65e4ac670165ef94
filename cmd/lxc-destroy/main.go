// Lxc-destroy deletes a container.
//
// # Synopsis
//
//	lxc-destroy {-n NAME | NAME} [-f] [-s]
//
// # Description
//
// The container's directory and, if lxc-create made it, its root file system are
// deleted. A container that runs, or that has snapshots, is refused unless the
// options say otherwise; one with clones is refused in any case.
//
// # Options
//
//	-f, --force      kill the container first if it runs
//	-s, --snapshots  delete its snapshots too
//
// and the options all tools have.
//
// # Exit status
//
// 0 on success, 1 otherwise.
package main

import (
	"gantry/pkg/container"
	"gantry/pkg/tool"
)

const help = `lxc-destroy deletes a container

Options :
  -n, --name=NAME   NAME of the container
  -s, --snapshots   delete its snapshots too
  -f, --force       kill the container first if it runs
  --rcfile=FILE     Read the configuration from FILE
`

func main() {
	var o container.DestroyOptions
	tool.Main(tool.Spec{
		Name:     "lxc-destroy",
		Synopsis: "--name=NAME [-f] [-P lxcpath]",
		Help:     help,
		Options: []tool.Option{
			tool.Bool("force", 'f', &o.Force),
			tool.Bool("snapshots", 's', &o.Snapshots),
		},
	}, func(call *tool.Call) error {
		c, err := call.Open()
		if err != nil {
			return err
		}
		return container.Destroy(c, o)
	})
}
