package main

import (
	"testing"

	"gantry/pkg/container/attach"
	"golang.org/x/sys/unix"
)

func TestSelectNamespaces(t *testing.T) {
	tests := []struct {
		list string
		want uint64
		ok   bool
	}{
		{"MOUNT|PID", unix.CLONE_NEWNS | unix.CLONE_NEWPID, true},
		{"mnt||utsname|Net", unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWNET, true},
		{"user|cgroup|time|ipc", unix.CLONE_NEWUSER | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME | unix.CLONE_NEWIPC, true},
		{"", 0, false},
		{"|", 0, false},
		{"mnt,pid", 0, false},
		{"MOUNT|bogus", unix.CLONE_NEWNS, false},
	}
	for _, test := range tests {
		var got uint64
		if err := selectNamespaces(&got, test.list); (err == nil) != test.ok || got != test.want {
			t.Errorf("selectNamespaces(%q) = %#x, %v; want %#x, ok %v", test.list, got, err, test.want, test.ok)
		}
	}
}

func TestElevate(t *testing.T) {
	tests := []struct {
		list string
		want attach.Privileges
		ok   bool
	}{
		{"", attach.ElevateAll, true},
		{"CAP", attach.ElevateCap, true},
		{"CAP|LSM|CGROUP", attach.ElevateAll, true},
		{"cap", 0, false},
		{"LSM|x", attach.ElevateLSM, false},
	}
	for _, test := range tests {
		var got attach.Privileges
		if err := elevate(&got, test.list); (err == nil) != test.ok || got != test.want {
			t.Errorf("elevate(%q) = %v, %v; want %v, ok %v", test.list, got, err, test.want, test.ok)
		}
	}
}

func TestID(t *testing.T) {
	tests := []struct {
		arg  string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"1000", 1000, true}, {"0x10", 16, true},
		{"4294967294", 4294967294, true}, {"4294967295", -1, true},
		{"4294967296", -2, false}, {"-5", -2, false}, {"root", -2, false}, {"", -2, false},
	}
	for _, test := range tests {
		got := int64(-2)
		if err := id(&got, test.arg); (err == nil) != test.ok || got != test.want {
			t.Errorf("id(%q) = %d, %v; want %d, ok %v", test.arg, got, err, test.want, test.ok)
		}
	}
}
