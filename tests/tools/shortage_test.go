package tools

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/pkg/command"
	"gantry/tests/rig"
	"gantry/tests/story"
)

// scarce is the start-host hook of a container whose monitor-to-be gets a limit
// on its descriptors while the init waits for its exec: the launcher is the
// init's parent.
const scarce = `#!/bin/sh
set -- $(cat /proc/$LXC_PID/stat)
exec prlimit --pid $4 --nofile=$(cat /run/scarce):$(cat /run/scarce)
`

// noting defines a container that logs to /run/web.log, and whose post-stop
// hook writes to /run/ended why it runs.
func noting(t *testing.T, lines ...string) *command.Client {
	t.Helper()
	before := rig.Look()
	t.Cleanup(func() { before.Restore() }) // after Watch has looked
	rig.Watch(t)
	t.Cleanup(func() { rig.Ours().Shell("lxc-stop -k web").Run() })
	lines = append(lines, "lxc.hook.post-stop = "+script(t, "post-stop", "#!/bin/sh\necho $LXC_TARGET >>/run/ended\n"),
		"lxc.log.file = /run/web.log", "lxc.log.level = info")
	if err := errors.Join(story.Empty("/var/lib/lxc"), rig.Define("/var/lib/lxc", "web", lines...)); err != nil {
		t.Fatal(err)
	}
	os.Remove("/run/ended")
	os.Remove("/run/web.log")
	return command.NewClient("/var/lib/lxc", "web")
}

// script writes a program to /run.
func script(t *testing.T, name, text string) (path string) {
	t.Helper()
	if err := os.WriteFile("/run/"+name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return "/run/" + name
}

// monitorOf gives the pid of the monitor, the init's parent.
func monitorOf(t *testing.T, c *command.Client) string {
	t.Helper()
	pid, err := c.InitPID()
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.Fields(rest)[1]
}

// wantFile waits for the content of a file.
func wantFile(t *testing.T, path, want string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		content, err := os.ReadFile(path)
		if string(content) == want {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile("/run/web.log")
			t.Fatalf("%s = %q, %v; want %q\n%s", path, content, err, want, log)
		}
	}
}

// TestShortage has monitors fail, for want of a descriptor, at whatever they do
// first with a container they have been given. Set-up has no part in it any
// more, and the container ends like every other one. With more descriptors it
// runs and can be stopped, with fewer lxc-stage does not come to work.
func TestShortage(t *testing.T) {
	c := noting(t, "lxc.hook.start-host = "+script(t, "start-host", scarce))
	failed := 0
	for files := 25; files <= 45; files++ {
		os.Remove("/run/ended")
		os.Remove("/run/web.log")
		script(t, "scarce", strconv.Itoa(files))
		if out, err := rig.Ours().Shell("lxc-start web").CombinedOutput(); err != nil {
			t.Fatalf("%d descriptors: lxc-start: %v\n%s", files, err, out)
		}
		c.Stop()
		wantState(t, c, command.Stopped)
		wantFile(t, "/run/ended", "stop\n")
		log, _ := os.ReadFile("/run/web.log")
		if strings.Contains(string(log), "cannot supervise") {
			failed++
		}
	}
	if failed == 0 || failed == 21 {
		t.Errorf("%d of 21 monitors have failed; want some", failed)
	}
}

// TestShortageReboot has a monitor fail to take its container's next life: that
// one is undone as well.
func TestShortageReboot(t *testing.T) {
	c := noting(t, "lxc.hook.start-host = "+script(t, "start-host", scarce))
	script(t, "scarce", "1024")
	if out, err := rig.Ours().Shell("lxc-start web && ready web").CombinedOutput(); err != nil {
		t.Fatalf("lxc-start: %v\n%s", err, out)
	}
	files, err := os.ReadDir("/proc/" + monitorOf(t, c) + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	script(t, "scarce", strconv.Itoa(len(files)))
	rig.Ours().Shell("lxc-stop -r web").Run()
	wantState(t, c, command.Stopped)
	wantFile(t, "/run/ended", "reboot\nstop\n")
}

// TestHungUp starts a container in the foreground on a terminal that is gone
// when the monitor comes to use it. It runs on without.
func TestHungUp(t *testing.T) {
	gone := "/run/gone"
	os.Remove(gone)
	c := noting(t, "lxc.hook.start-host = "+script(t, "start-host", "#!/bin/sh\nuntil [ -e "+gone+" ]; do sleep 0.02; done\n"))
	master, slave, err := rig.OpenTTY()
	if err != nil {
		t.Fatal(err)
	}
	start := rig.Ours().Shell("exec lxc-start -F web")
	start.Stdin, start.Stdout, start.Stderr = slave, slave, slave
	if err := start.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	defer start.Process.Signal(unix.SIGTERM)
	time.Sleep(300 * time.Millisecond)
	master.Close()
	script(t, "gone", "")
	wantState(t, c, command.Running)
	if out, err := rig.Ours().Shell("ready web && lxc-stop web").CombinedOutput(); err != nil {
		t.Errorf("lxc-stop: %v\n%s", err, out)
	}
	if err := start.Wait(); err != nil {
		t.Errorf("lxc-start -F: %v", err)
	}
	wantFile(t, "/run/ended", "stop\n")
}
