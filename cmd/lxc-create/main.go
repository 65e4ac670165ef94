// Lxc-create creates a container.
//
// # Synopsis
//
//	lxc-create {-n NAME | NAME} -t TEMPLATE [OPTION...] [-- TEMPLATE-OPTION...]
//
// # Description
//
// A directory NAME is made in the directory of containers, with a configuration
// that begins as a copy of the default one. The template, a program or a recipe,
// makes the root file system and adds to the configuration. If anything fails,
// or the command is interrupted, nothing remains.
//
// # Options
//
//	-f, --config=FILE        the configuration to begin with (lxc.default_config)
//	-t, --template=TEMPLATE  a name, the absolute path of a program, or none
//	-B, --bdev=TYPE          where the root file system is stored: dir (default),
//	                         best, or a comma-separated list of types to try
//	    --dir=DIR            with dir, the root file system's directory
//	    --lvname, --vgname, --thinpool    with lvm
//	    --rbdname, --rbdpool, --rbduser   with rbd
//	    --zfsroot                         with zfs
//	    --fstype, --fssize                with lvm, loop and rbd
//
// and the options all tools have; --rcfile has no meaning here, as in LXC. With
// -t and then -h, the template's own help is shown too. Of the types only dir is
// built so far: best falls back to it, others fail.
//
// # Exit status
//
// 0 on success, 128 + N when signal N ended it, 1 otherwise; a container that
// exists is not touched.
package main

import (
	"gantry/internal/paths"
	"gantry/pkg/container/create"
	"gantry/pkg/template"
	"gantry/pkg/tool"
)

func main() {
	var o options
	tool.Main(tool.Spec{
		Name:     "lxc-create",
		Synopsis: "--name=NAME --template=TEMPLATE [OPTION...] [-- template-options]",
		Help:     help,
		Options: []tool.Option{
			tool.String("bdev", 'B', &o.bdev),
			tool.String("config", 'f', &o.Config),
			tool.String("template", 't', &o.Template),
			o.forStore("lvname", '0'),
			o.forStore("vgname", '1'),
			o.forStore("thinpool", '2'),
			o.forStore("fstype", '3'),
			o.forStore("fssize", '4'),
			o.forStore("zfsroot", '5'),
			tool.String("dir", '6', &o.Dir),
			o.forStore("rbdname", '7'),
			o.forStore("rbdpool", '8'),
			o.forStore("rbduser", '9'),
		},
		MoreHelp: func() {
			if o.Template != "" && !isNone(o.Template) {
				template.Help(paths.Find(), o.Template)
			}
		},
	}, func(call *tool.Call) error {
		if err := check(&o); err != nil {
			return err
		}
		o.TemplateArgs, o.Quiet = call.Operands, call.Quiet
		call.RCFile = ""
		c, err := call.Open()
		if err != nil {
			return err
		}
		return create.Container(c, o.Options)
	})
}
