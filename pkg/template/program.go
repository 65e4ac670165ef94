package template

import (
	"context"
	"os"
	"path/filepath"

	"gantry/pkg/plan"
)

// A Program is a template that is a program of its own, such as LXC's scripts.
type Program struct {
	Path  string
	Args  []string     // --path=..., --name=..., --rootfs=..., then the user's
	IDMap []plan.IDMap // with it the program is root of a user namespace with this map, as lxc-usernsexec makes it
	Quiet bool         // its standard files are /dev/null
}

// Run runs the program as LXC does: in a mount namespace whose mounts do not
// come back to the host, with the caller's environment, directory and standard
// files. When it ends, ctx is done or this process is killed, what it has
// started ends too.
//
// A pid namespace sees to that. /proc stays the host's: LXC's templates compare
// the id maps of /proc/self and /proc/1.
func (t Program) Run(ctx context.Context) error {
	c := child{
		path:  t.Path,
		argv:  append([]string{filepath.Base(t.Path)}, t.Args...),
		env:   os.Environ(),
		files: [3]*os.File{os.Stdin, os.Stdout, os.Stderr},
		idmap: t.IDMap,
	}
	if t.Quiet {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer null.Close()
		c.files = [3]*os.File{null, null, null}
	}
	return c.run(ctx)
}
