package main

import (
	"strings"
	"testing"

	"gantry/pkg/container/create"
)

func TestCheck(t *testing.T) {
	plain := func(template, bdev, dir string, given ...string) options {
		return options{Options: create.Options{Template: template, Dir: dir}, bdev: bdev, given: given}
	}
	tests := []struct {
		o    options
		want string // of the error; empty for none
	}{
		{plain("", "", ""), "a template must be specified"},
		{plain("none", "", ""), ""},
		{plain("no", "", ""), ""},
		{plain("busybox", "best", "", "zfsroot"), ""},
		{plain("busybox", "zfs,dir", "/srv"), ""},
		{plain("busybox", "none", "/srv"), ""},
		{plain("busybox", "", "srv"), "--dir should use absolute path"},
		{plain("busybox", "zfs", "/srv"), "--dir is only valid"},
		{plain("busybox", "", "", "fssize"), "--fssize is only valid"},
		{plain("busybox", "aufs", ""), "aufs is not a valid backing storage type"},
	}
	for _, test := range tests {
		o := test.o
		err := check(&o)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("check(%+v) = %v; want %q", test.o, err, test.want)
		}
	}
}
