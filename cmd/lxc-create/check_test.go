package main

import (
	"strings"
	"testing"

	"gantry/pkg/container/create"
)

func TestCheck(t *testing.T) {
	plain := func(template, bdev, dir string) options {
		return options{Options: create.Options{Template: template, Bdev: bdev, Dir: dir}}
	}
	with := func(bdev string, set func(*options)) options {
		o := plain("busybox", bdev, "")
		set(&o)
		return o
	}
	tests := []struct {
		o    options
		want string // of the error; empty for none
	}{
		{plain("", "", ""), "a template must be specified"},
		{plain("none", "", ""), ""},
		{plain("no", "", ""), ""},
		{with("best", func(o *options) { o.zfsRoot = "tank" }), ""},
		{plain("busybox", "zfs,dir", "/srv"), ""},
		{plain("busybox", "none", "/srv"), ""},
		{plain("busybox", "", "srv"), "--dir should use absolute path"},
		{plain("busybox", "zfs", "/srv"), "--dir is only valid"},
		{with("", func(o *options) { o.fsSize = "1G" }), "only valid with block devices"},
		{with("loop", func(o *options) { o.fsSize = "1G" }), ""},
		{with("", func(o *options) { o.lvName = "x" }), "only valid with -B lvm"},
		{with("", func(o *options) { o.rbdUser = "x" }), "only valid with -B rbd"},
		{with("", func(o *options) { o.zfsRoot = "x" }), "only valid with -B zfs"},
		{plain("busybox", "aufs", ""), "aufs is not a valid backing storage type"},
		{plain("busybox", "dir,", ""), "is not a valid backing storage type"},
	}
	for _, test := range tests {
		o := test.o
		err := check(&o)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("check(%+v) = %v; want %q", test.o, err, test.want)
		}
	}
}
