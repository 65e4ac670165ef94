package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"gantry/pkg/container/create"
	"gantry/pkg/storage"
)

// options are what the command line says: create's, and those of backing stores
// that are not built, which -B best passes over.
type options struct {
	create.Options

	fsType, fsSize            string // block stores
	lvName, vgName, thinPool  string // lvm
	zfsRoot                   string // zfs
	rbdName, rbdPool, rbdUser string // rbd
}

// isNone says whether the template is no template; LXC takes its name cut short.
func isNone(template string) bool { return strings.HasPrefix("none", template) }

// check refuses what does not fit together, and brings the rest into one form.
func check(o *options) error {
	switch {
	case o.Template == "":
		return errors.Join(errors.New("a template must be specified"), errors.New(`use "none" if you really want a container without a rootfs`))
	case isNone(o.Template):
		o.Template = "none"
	}
	if o.Dir != "" && !filepath.IsAbs(o.Dir) {
		return errors.New("--dir should use absolute path")
	}
	if o.Bdev == "" || o.Bdev == "none" {
		o.Bdev = "dir"
	}
	types := strings.Split(o.Bdev, ",")
	for _, rule := range []struct {
		given   bool
		types   []string
		message string
	}{
		{o.fsType+o.fsSize != "", []string{"lvm", "loop", "rbd"}, "filesystem type and size are only valid with block devices (-B lvm, loop or rbd)"},
		{o.lvName+o.vgName+o.thinPool != "", []string{"lvm"}, "--lvname, --vgname and --thinpool are only valid with -B lvm"},
		{o.rbdName+o.rbdPool+o.rbdUser != "", []string{"rbd"}, "--rbdname, --rbdpool and --rbduser are only valid with -B rbd"},
		{o.zfsRoot != "", []string{"zfs"}, "--zfsroot is only valid with -B zfs"},
		{o.Dir != "", []string{"dir"}, "--dir is only valid with -B dir"},
	} {
		fits := func(t string) bool { return t == "best" || slices.Contains(rule.types, t) }
		if rule.given && !slices.ContainsFunc(types, fits) {
			return errors.New(rule.message)
		}
	}
	_, err := storage.Types(o.Bdev)
	return err
}
