package main

import (
	"errors"
	"path/filepath"
	"strings"

	"gantry/pkg/container/create"
	"gantry/pkg/storage"
	"gantry/pkg/tool"
)

// options are what the command line says.
type options struct {
	create.Options

	bdev  string
	given []string // the options for backing stores that were given
}

// forStore is an option for a backing store that is not built: it is accepted
// where LXC accepts it, which may be with -B best, and no more than that.
func (o *options) forStore(long string, short byte) tool.Option {
	return tool.Func(long, short, tool.Required, func(string) error {
		o.given = append(o.given, long)
		return nil
	})
}

// isNone says whether the template is no template; LXC takes its name cut short.
func isNone(template string) bool { return strings.HasPrefix("none", template) }

// check refuses what does not fit together, and brings the rest into one form.
func check(o *options) (err error) {
	switch {
	case o.Template == "":
		return errors.Join(errors.New("a template must be specified"), errors.New(`use "none" if you really want a container without a rootfs`))
	case isNone(o.Template):
		o.Template = "none"
	}
	if o.Dir != "" {
		if !filepath.IsAbs(o.Dir) {
			return errors.New("--dir should use absolute path")
		}
		o.given = append(o.given, "dir")
	}
	o.Types, err = storage.Types(o.bdev, o.given)
	return err
}
