package command_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry/pkg/command"
	"gantry/tests/rig"
	"golang.org/x/sys/unix"
)

// startLXC starts a container with C LXC and gives its path and name.
func startLXC(t *testing.T) (lxcpath, name string) {
	t.Helper()
	lxcpath, name = t.TempDir(), "web"
	if err := rig.Define(lxcpath, name, "lxc.console.buffer.size = 4096"); err != nil {
		t.Fatal(err)
	}
	rc := filepath.Join(lxcpath, name, "rootfs/etc/rc")
	if err := os.WriteFile(rc, []byte("#!/bin/sh\necho greetings >/dev/console\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "lxc-start", "-P", lxcpath, "-n", name)
	t.Cleanup(func() {
		exec.Command("lxc-stop", "-k", "-P", lxcpath, "-n", name).Run()
		rig.KillContainers() // C LXC leaves lxc.pivot behind
	})
	return lxcpath, name
}

func run(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return string(out)
}

// TestClientOfLXC asks a monitor of C LXC.
func TestClientOfLXC(t *testing.T) {
	lxcpath, name := startLXC(t)
	c := command.NewClient(lxcpath, name)
	c.Timeout = 10 * time.Second
	if s, err := c.State(); s != command.Running || err != nil {
		t.Errorf("State() = %v, %v; want RUNNING", s, err)
	}
	pid, err := c.InitPID()
	if want := strings.TrimSpace(run(t, "lxc-info", "-P", lxcpath, "-n", name, "-pH")); fmt.Sprint(pid) != want || err != nil {
		t.Errorf("InitPID() = %d, %v; want %s", pid, err, want)
	}
	if flags, err := c.CloneFlags(); flags&unix.CLONE_NEWPID == 0 || flags&unix.CLONE_NEWUSER != 0 || err != nil {
		t.Errorf("CloneFlags() = %#x, %v; want a pid and no user namespace", flags, err)
	}
	for _, text := range []struct {
		what string
		ask  func() (string, error)
		want string
	}{
		{"Name", c.Name, name},
		{"LXCPath", c.LXCPath, lxcpath},
		{"Cgroup", func() (string, error) { return c.Cgroup("pids") }, "/lxc.payload." + name},
		{"LimitCgroup", func() (string, error) { return c.LimitCgroup("pids") }, "/lxc.payload." + name},
		{"ConfigItem", func() (string, error) { v, _, err := c.ConfigItem("lxc.tty.max"); return v, err }, "2"},
	} {
		if got, err := text.ask(); !strings.HasPrefix(got, text.want) || err != nil {
			t.Errorf("%s = %q, %v; want %q", text.what, got, err, text.want)
		}
	}
	if _, ok, err := c.ConfigItem("lxc.bogus"); ok || err != nil {
		t.Errorf("ConfigItem(lxc.bogus) = %v, %v; want none", ok, err)
	}
	for what, ask := range map[string]func() (*os.File, error){"InitPidfd": c.InitPidfd, "DevptsFD": c.DevptsFD} {
		if f, err := ask(); err != nil {
			t.Errorf("%s: %v", what, err)
		} else {
			f.Close()
		}
	}
	if fd, dir, err := c.LimitCgroupFD("pids"); err != nil || fd.Controller != "pids" {
		t.Errorf("LimitCgroupFD(pids) = %v, %v", fd, err)
	} else {
		dir.Close()
	}
	ctx, dirs, err := c.CgroupCtx()
	if err != nil || len(ctx.FDs) == 0 {
		t.Errorf("CgroupCtx() = %v, %v; want directories", ctx, err)
	}
	for _, dir := range dirs {
		dir.Close()
	}
}

// TestTerminalsOfLXC takes ttys of a container of C LXC.
func TestTerminalsOfLXC(t *testing.T) {
	lxcpath, name := startLXC(t)
	c := command.NewClient(lxcpath, name)
	c.Timeout = 10 * time.Second
	tty, err := c.TTY(-1)
	if err != nil || tty.Number != 1 {
		t.Fatalf("TTY(-1) = %v, %v; want tty 1", tty, err)
	}
	if _, err := c.TTY(1); !errors.Is(err, unix.EBADF) {
		t.Errorf("TTY(1), which is taken = %v; want %v", err, unix.EBADF)
	}
	tty.Close()
	if tty, err = c.TTY(1); err != nil {
		t.Errorf("TTY(1), which is free again: %v", err)
	} else {
		tty.Close()
	}
	if _, err := c.TTY(99); !errors.Is(err, unix.EBADF) {
		t.Errorf("TTY(99) = %v; want %v", err, unix.EBADF)
	}
	var got []byte
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline) && len(got) == 0; {
		got, err = c.ConsoleLog(command.LogRequest{Read: true})
		time.Sleep(10 * time.Millisecond)
	}
	if !strings.Contains(string(got), "greetings") || err != nil {
		t.Errorf("ConsoleLog = %q, %v; want greetings", got, err)
	}
	if err := c.ServeStateClients(command.Running); err != nil {
		t.Errorf("ServeStateClients(RUNNING) = %v", err)
	}
}

// TestStopOfLXC waits for the end of a container of C LXC, in both ways.
func TestStopOfLXC(t *testing.T) {
	lxcpath, name := startLXC(t)
	c := command.NewClient(lxcpath, name)
	w, err := c.Wait(command.Wants{command.Stopped: command.Notify})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("Stop() = %v", err)
	}
	if s, err := w.Wait(time.Second); s != command.Stopped || err != nil {
		t.Errorf("Wait = %v, %v; want STOPPED", s, err)
	}
	if s, err := c.State(); s != command.Stopped || err != nil {
		t.Errorf("State() = %v, %v; want STOPPED", s, err)
	}
}

// TestLongNameOfLXC checks the hashed address, and the longest plain one.
func TestLongNameOfLXC(t *testing.T) {
	for _, length := range []int{105, 106} {
		lxcpath := "/" + strings.Repeat("p", length-len("//n/command"))
		serveAt(t, lxcpath, "n")
		out, err := exec.Command("timeout", "10", "lxc-info", "-P", lxcpath, "-n", "n", "-sH").CombinedOutput()
		if got, want := string(out), "RUNNING\n"; got != want || err != nil {
			t.Errorf("lxc-info with an address of %d bytes = %q, %v; want %q", length, got, err, want)
		}
	}
}

// TestClientsOfLXC lets tools of C LXC ask our server.
func TestClientsOfLXC(t *testing.T) {
	lxcpath, name := t.TempDir(), "web"
	m, c := serveAt(t, lxcpath, name)
	tool := func(prog string, args ...string) string {
		cmd := exec.Command("timeout", append([]string{"10", prog, "-P", lxcpath, "-n", name}, args...)...)
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if got := tool("lxc-info", "-sp"); !strings.Contains(got, "RUNNING") || !strings.Contains(got, fmt.Sprint(os.Getpid())) {
		t.Errorf("lxc-info says %q; want RUNNING and our pid", got)
	}
	if got := tool("lxc-wait", "-s", "RUNNING", "-t", "5"); got != "" {
		t.Errorf("lxc-wait -s RUNNING says %q", got)
	}
	wait := exec.Command("lxc-wait", "-P", lxcpath, "-n", name, "-s", "FROZEN", "-t", "5")
	if err := wait.Start(); err != nil {
		t.Fatal(err)
	}
	for range 50 { // until it has registered
		c.ServeStateClients(command.Frozen)
		time.Sleep(5 * time.Millisecond)
	}
	if err := wait.Wait(); err != nil {
		t.Errorf("lxc-wait -s FROZEN: %v", err)
	}
	if got := run(t, "timeout", "10", "lxc-ls", "-P", lxcpath, "--active"); !strings.Contains(got, name) {
		t.Errorf("lxc-ls --active says %q; want %s", got, name)
	}
	ptx, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.has(ptx, nil)
	console := exec.Command("timeout", "10", "lxc-console", "-P", lxcpath, "-n", name, "-t", "2")
	in, err := console.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "\x01q")
	if out, err := console.CombinedOutput(); err != nil || !strings.Contains(string(out), "Connected to tty 2") {
		t.Errorf("lxc-console -t 2: %v, %s", err, out)
	}
}
