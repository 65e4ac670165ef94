package tools

import (
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"gantry/tests/rig"
	"gantry/tests/story"
)

// boxed starts a container whose payload lies in a cgroup of its own, and
// gives that cgroup's directory: what is frozen with its parent does not go on
// when it is told to.
func boxed(t *testing.T, lines ...string) (c *command.Client, box int) {
	t.Helper()
	before := rig.Look()
	t.Cleanup(func() { before.Restore() }) // after Watch has looked
	rig.Watch(t)
	lines = append(lines, "lxc.cgroup.dir.container = lxc.box/payload", "lxc.cgroup.dir.monitor = lxc.monitor.web")
	err := errors.Join(story.Empty("/var/lib/lxc"), rig.Define("/var/lib/lxc", "web", lines...))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := rig.Ours().Shell("lxc-start web").CombinedOutput(); err != nil {
		t.Fatalf("lxc-start: %v\n%s", err, out)
	}
	c = command.NewClient("/var/lib/lxc", "web")
	_, dir, err := c.LimitCgroupFD("freezer")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if box, err = unix.Openat(int(dir.Fd()), "..", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cgroup.FreezeDir(box, false, time.Second)
		unix.Close(box)
		if out, err := rig.Ours().Shell("lxc-stop -k web").CombinedOutput(); err != nil {
			t.Errorf("lxc-stop -k: %v\n%s", err, out)
		}
	})
	return c, box
}

// freezeBox freezes the container, and then the cgroup around it.
func freezeBox(t *testing.T, c *command.Client, box int) {
	t.Helper()
	if err := errors.Join(c.Freeze(5), cgroup.FreezeDir(box, true, time.Second)); err != nil {
		t.Fatal(err)
	}
}

// wantState waits for a state.
func wantState(t *testing.T, c *command.Client, want command.State) {
	t.Helper()
	quick := command.Client{Address: c.Address, Timeout: time.Second}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		state, err := quick.State()
		if state == want && err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("state = %v, %v; want %v", state, err, want)
		}
	}
}

// unfreeze asks for it, and gives the answer once it is there.
func unfreeze(c *command.Client, seconds int) chan error {
	answer := make(chan error, 1)
	go func() { answer <- c.Unfreeze(seconds) }()
	return answer
}

// TestFreezing has requests wait for the freezer, which does not keep the
// monitor from its other work.
func TestFreezing(t *testing.T) {
	c, box := boxed(t)
	freezeBox(t, c, box)
	wantState(t, c, command.Frozen)

	answer := unfreeze(c, 10)
	wantState(t, c, command.Thawed)
	select {
	case err := <-answer:
		t.Fatalf("UNFREEZE is answered with %v while the cgroup is frozen", err)
	case <-time.After(100 * time.Millisecond):
	}
	cgroup.FreezeDir(box, false, 0)
	if err := <-answer; err != nil {
		t.Errorf("UNFREEZE = %v; want nil", err)
	}
	wantState(t, c, command.Running)
}

// TestFreezingEnds ends requests that the freezer does not fulfil.
func TestFreezingEnds(t *testing.T) {
	c, box := boxed(t)
	freezeBox(t, c, box)
	began := time.Now()
	err := c.Unfreeze(1)
	if took := time.Since(began); !errors.Is(err, unix.ETIMEDOUT) || took < time.Second || took > 3*time.Second {
		t.Errorf("UNFREEZE of a second = %v after %v; want %v", err, took, unix.ETIMEDOUT)
	}
	wantState(t, c, command.Running)

	// The same request joins, the opposite one replaces.
	first := unfreeze(c, -1)
	wantState(t, c, command.Thawed)
	second := unfreeze(c, 60)
	time.Sleep(50 * time.Millisecond)
	if err := c.Freeze(5); err != nil {
		t.Errorf("FREEZE = %v; want nil", err)
	}
	for _, answer := range []chan error{first, second} {
		if err := <-answer; !errors.Is(err, unix.ECANCELED) {
			t.Errorf("UNFREEZE = %v; want %v", err, unix.ECANCELED)
		}
	}
	wantState(t, c, command.Frozen)

	// A client that goes away leaves its wish behind.
	hasty := command.Client{Address: c.Address, Timeout: 100 * time.Millisecond}
	if err := hasty.Unfreeze(-1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("UNFREEZE = %v; want %v", err, os.ErrDeadlineExceeded)
	}
	wantState(t, c, command.Thawed)
	cgroup.FreezeDir(box, false, 0)
	wantState(t, c, command.Running)
	freezeBox(t, c, box)

	// The end of the container answers too.
	answer := unfreeze(c, -1)
	wantState(t, c, command.Thawed)
	stop := rig.Ours().Shell("lxc-stop -k web")
	if err := stop.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	cgroup.FreezeDir(box, false, 0)
	select {
	case <-answer: // thawed, or ended: both are the truth
	case <-time.After(5 * time.Second):
		t.Error("UNFREEZE is not answered at the end")
	}
	stop.Wait()
	if out, err := rig.Ours().Shell("lxc-start web").CombinedOutput(); err != nil {
		t.Errorf("lxc-start: %v\n%s", err, out)
	}
}

// TestFreezingEnded asks for it when there is nothing left to freeze.
func TestFreezingEnded(t *testing.T) {
	c, _ := boxed(t, "lxc.hook.stop = /bin/sleep 0.5")
	stop := rig.Ours().Shell("lxc-stop -k web")
	if err := stop.Start(); err != nil {
		t.Fatal(err)
	}
	wantState(t, c, command.Stopping)
	if err := c.Freeze(5); !errors.Is(err, unix.ESRCH) {
		t.Errorf("FREEZE = %v; want %v", err, unix.ESRCH)
	}
	wantState(t, c, command.Stopping)
	if err := stop.Wait(); err != nil {
		t.Errorf("lxc-stop -k: %v", err)
	}
	if out, err := rig.Ours().Shell("lxc-start web").CombinedOutput(); err != nil {
		t.Errorf("lxc-start: %v\n%s", err, out)
	}
}

// TestDyingOrphan starts a container anew whose monitor was killed, and whose
// processes take their time to follow.
func TestDyingOrphan(t *testing.T) {
	c, box := boxed(t, "lxc.monitor.signal.pdeath = 0")
	init, err := c.InitPidfd()
	if err != nil {
		t.Fatal(err)
	}
	defer init.Close()
	monitor, err := strconv.Atoi(monitorOf(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(cgroup.FreezeDir(box, true, time.Second), unix.Kill(monitor, unix.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	wantState(t, c, command.Stopped)
	time.AfterFunc(time.Second, func() { cgroup.FreezeDir(box, false, 0) })
	if out, err := rig.Ours().Shell("lxc-start web").CombinedOutput(); err != nil {
		t.Errorf("lxc-start: %v\n%s", err, out)
	}
	if err := unix.PidfdSendSignal(int(init.Fd()), 0, nil, 0); err != unix.ESRCH {
		t.Errorf("the former init: %v; want it gone", err)
	}
	wantState(t, c, command.Running)
}
