package rlimit

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in         string
		soft, hard uint64
		ok         bool
	}{
		{"5", 5, 5, true}, {"5:6", 5, 6, true}, {" 5 : 6 ", 5, 6, true}, {"6:5", 6, 5, true}, {"010", 10, 10, true},
		{"unlimited", Unlimited, Unlimited, true}, {"5:unlimited", 5, Unlimited, true}, {"-1", Unlimited, Unlimited, true},
		{"5:", 5, 5, true}, {":5", 0, 5, true}, {"+5", 5, 5, true},
		{"0x5", 0, 0, false}, {"Unlimited", 0, 0, false}, {"5:6:7", 0, 0, false}, {"99999999999999999999", 0, 0, false}, {"-2", 0, 0, false},
	} {
		soft, hard, err := Parse(c.in)
		if (err == nil) != c.ok || err == nil && (soft != c.soft || hard != c.hard) {
			t.Errorf("Parse(%q) = %d, %d, %v; want %d, %d, ok %t", c.in, soft, hard, err, c.soft, c.hard, c.ok)
		}
	}
}

func TestResource(t *testing.T) {
	for _, r := range names {
		if got, err := Resource(r.name); err != nil || got != r.number || Name(got) != r.name {
			t.Errorf("Resource(%q) = %d, %v; want %d", r.name, got, err, r.number)
		}
	}
	if _, err := Resource("NOFILE"); err == nil || !strings.Contains(err.Error(), "nofile") {
		t.Errorf("Resource(NOFILE) = %v; want an error that lists the names", err)
	}
}

func TestSet(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	pid := cmd.Process.Pid
	if err := Set(pid, unix.RLIMIT_NOFILE, 100, 200); err != nil {
		t.Fatalf("Set = %v; want nil", err)
	}
	var got unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &got); err != nil || got != (unix.Rlimit{Cur: 100, Max: 200}) {
		t.Errorf("limits after Set = %+v, %v; want 100:200", got, err)
	}
	err := Set(pid, unix.RLIMIT_NOFILE, 6, 5)
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "nofile 6:5") {
		t.Errorf("Set(6:5) = %v; want EINVAL naming nofile 6:5", err)
	}
	if err := Set(os.Getpid(), 99, 1, 1); !errors.Is(err, unix.EINVAL) {
		t.Errorf("Set(99) = %v; want EINVAL", err)
	}
}
