package main

import (
	"strings"
	"testing"

	"gantry/pkg/container/create"
)

func TestCheck(t *testing.T) {
	type options = create.Options
	tests := []struct {
		o    options
		want string // of the error; empty for none
	}{
		{options{}, "a template must be specified"},
		{options{Template: "none"}, ""},
		{options{Template: "no"}, ""},
		{options{Template: "busybox", Bdev: "best", ZFSRoot: "tank"}, ""},
		{options{Template: "busybox", Bdev: "zfs,dir", Dir: "/srv"}, ""},
		{options{Template: "busybox", Bdev: "none", Dir: "/srv"}, ""},
		{options{Template: "busybox", Dir: "srv"}, "--dir should use absolute path"},
		{options{Template: "busybox", Bdev: "zfs", Dir: "/srv"}, "--dir is only valid"},
		{options{Template: "busybox", FSSize: "1G"}, "only valid with block devices"},
		{options{Template: "busybox", Bdev: "loop", FSSize: "1G"}, ""},
		{options{Template: "busybox", LVName: "x"}, "only valid with -B lvm"},
		{options{Template: "busybox", RBDUser: "x"}, "only valid with -B rbd"},
		{options{Template: "busybox", ZFSRoot: "x"}, "only valid with -B zfs"},
		{options{Template: "busybox", Bdev: "aufs"}, "aufs is not a valid backing storage type"},
		{options{Template: "busybox", Bdev: "dir,"}, "is not a valid backing storage type"},
	}
	for _, test := range tests {
		o := test.o
		err := check(&o)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("check(%+v) = %v; want %q", test.o, err, test.want)
		}
	}
}
