package container

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/paths"
	"gantry/pkg/command"
	"gantry/pkg/config"
	"gantry/tests/rig"
)

func TestMain(m *testing.M) {
	rig.Enter()
	os.Exit(m.Run())
}

// at gives a container in a directory of the test's own.
func at(t *testing.T, name string) *Container {
	t.Helper()
	p := paths.Find()
	p.RunDir = t.TempDir()
	return &Container{Name: name, LXCPath: t.TempDir(), Paths: p, System: &config.System{}}
}

// write puts a file into the container's directory.
func write(t *testing.T, c *Container, file, text string) string {
	t.Helper()
	path := filepath.Join(c.Dir(), file)
	if err := os.MkdirAll(c.Dir(), 0o770); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "../a", "/a"} {
		if err := at(t, name).Open(); err == nil || !strings.Contains(err.Error(), "cannot be a container's name") {
			t.Errorf("Open of %q = %v; want an error about the name", name, err)
		}
		if _, err := at(t, name).Lock(); err == nil {
			t.Errorf("Lock of %q = nil; want an error about the name", name)
		}
	}
	for _, name := range []string{"a", "a b", "..a", "-", "ä"} {
		if err := at(t, name).Open(); err != nil {
			t.Errorf("Open of %q = %v; want nil", name, err)
		}
	}
}

func TestConfig(t *testing.T) {
	c := at(t, "web")
	if c.Defined() {
		t.Error("Defined of nothing = true; want false")
	}
	if conf, err := c.Config(); err != nil || conf.UTSName.V != "" {
		t.Errorf("Config of nothing = %v, %v; want defaults", conf, err)
	}

	c = at(t, "web")
	write(t, c, "config", "lxc.uts.name = web\n")
	if !c.Defined() {
		t.Error("Defined = false; want true")
	}
	if conf, err := c.Config(); err != nil || conf.UTSName.V != "web" {
		t.Errorf("Config: uts.name %q, %v; want web", conf.UTSName.V, err)
	}
	lock := filepath.Join(c.Paths.RunDir, "lxc/lock", c.LXCPath, ".web")
	if info, err := os.Stat(lock); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("lock file %s: %v; want it there with mode 600", lock, err)
	}

	c = at(t, "web")
	c.RCFile = write(t, c, "other", "lxc.uts.name = other\n")
	if err := c.Open(); err != nil {
		t.Error(err)
	}
	if conf, _ := c.Config(); conf.UTSName.V != "other" || c.Defined() {
		t.Errorf("with an rcfile: uts.name %q, Defined %v; want other, false", conf.UTSName.V, c.Defined())
	}
	c.RCFile, c.config = "/nowhere/config", nil
	if err := c.Open(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open with a missing rcfile = %v; want that it does not exist", err)
	}
}

// Two who want the lock get it one after the other, from C LXC's file.
func TestLock(t *testing.T) {
	c := at(t, "web")
	unlock, err := c.Lock()
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		again, err := c.Lock()
		if err == nil {
			again()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("second Lock = %v while the first is held; want it to wait", err)
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// What a creator that died has left goes; what a living one makes stays.
func TestPartial(t *testing.T) {
	dead := at(t, "dead")
	write(t, dead, "config", "")
	write(t, dead, "partial", "")
	if err := dead.Open(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dead.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Open of an unfinished container: %v; want that its directory is gone", err)
	}

	alive := at(t, "alive")
	write(t, alive, "config", "")
	marker, err := os.OpenFile(write(t, alive, "partial", ""), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer marker.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(marker.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
		t.Fatal(err)
	}
	if err := alive.Open(); err != nil || !alive.Defined() {
		t.Errorf("Open of a container being created = %v, Defined %v; want nil, true", err, alive.Defined())
	}
}

// running starts a container with C LXC: Stop has to deal with its monitors too.
func running(t *testing.T, lines ...string) *Container {
	t.Helper()
	const lxcpath = "/var/lib/lxc"
	if err := rig.Define(lxcpath, "c", lines...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(rig.KillContainers(), os.RemoveAll(lxcpath+"/c")); err != nil {
			t.Error(err)
		}
	})
	if out, err := exec.Command("/usr/bin/lxc-start", "c").CombinedOutput(); err != nil {
		t.Fatalf("lxc-start: %v\n%s", err, out)
	}
	c := &Container{Name: "c", LXCPath: lxcpath, Paths: paths.Find(), System: &config.System{}}
	awaitTrap(t, c)
	return c
}

// awaitTrap waits until the init of rig.Define obeys SIGPWR and SIGINT. Before
// that the kernel drops signals: an init is immune to those it has no handler for.
func awaitTrap(t *testing.T, c *Container) {
	t.Helper()
	pid, err := c.Client().InitPID()
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err != nil {
			t.Fatal(err)
		}
		_, caught, _ := strings.Cut(string(status), "SigCgt:\t")
		caught, _, _ = strings.Cut(caught, "\n")
		bits, _ := strconv.ParseUint(caught, 16, 64)
		if bits&(1<<(unix.SIGPWR-1)) != 0 && bits&(1<<(unix.SIGINT-1)) != 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the init does not set its traps")
}

func TestStop(t *testing.T) {
	const deaf = "lxc.signal.halt = SIGWINCH"
	tests := []struct {
		name   string
		config string
		o      StopOptions
		err    error
		state  command.State
		least  time.Duration
	}{
		{"shutdown", "", StopOptions{Timeout: 10 * time.Second}, nil, command.Stopped, 0},
		{"for ever", "", StopOptions{Timeout: -1}, nil, command.Stopped, 0},
		{"kill", deaf, StopOptions{Kill: true}, nil, command.Stopped, 0},
		{"killed in the end", deaf, StopOptions{Timeout: time.Second}, nil, command.Stopped, time.Second},
		{"not killed", deaf, StopOptions{NoKill: true, Timeout: time.Second}, ErrTimeout, command.Running, time.Second},
		{"not waited for", deaf, StopOptions{}, nil, command.Running, 0},
		{"reboot", "", StopOptions{Reboot: true, Timeout: 10 * time.Second}, nil, command.Running, 0},
		{"no reboot", "lxc.signal.reboot = SIGWINCH", StopOptions{Reboot: true, Timeout: time.Second}, ErrTimeout, command.Running, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := running(t, test.config)
			begin := time.Now()
			err := Stop(c, test.o)
			took := time.Since(begin)
			state, stateErr := c.State()
			if !errors.Is(err, test.err) || state != test.state || stateErr != nil {
				t.Errorf("Stop(%+v) = %v, then %v; want %v, then %v", test.o, err, state, test.err, test.state)
			}
			if took < test.least || took > test.least+5*time.Second {
				t.Errorf("Stop(%+v) took %v; want %v or little more", test.o, took, test.least)
			}
		})
	}
}

// Stop returns after the post-stop hooks.
func TestStopAwaitsHooks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "done")
	c := running(t, "lxc.hook.post-stop = /bin/sh -c 'sleep 0.5; touch "+file+"'")
	if err := Stop(c, StopOptions{Timeout: 10 * time.Second}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("after Stop: %v; want the post-stop hook to have run", err)
	}
}

func TestStopOfStopped(t *testing.T) {
	c := at(t, "web")
	if err, want := Stop(c, StopOptions{}), "web is not running: there is no container of that name in "+c.LXCPath; !errors.Is(err, ErrNotRunning) || err.Error() != want {
		t.Errorf("Stop of what is not there = %v; want %s", err, want)
	}
	write(t, c, "config", "")
	for _, o := range []StopOptions{{}, {Kill: true}, {Reboot: true}} {
		if err := Stop(c, o); !errors.Is(err, ErrNotRunning) || err.Error() != "web is not running" {
			t.Errorf("Stop(%+v) = %v; want web is not running", o, err)
		}
	}
}

func TestBlocks(t *testing.T) {
	runtime.LockOSThread()
	set := unix.Sigset_t{Val: [16]uint64{1 << (systemdHalt - 1)}}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil); err != nil {
		t.Fatal(err)
	}
	if !blocks(unix.Gettid(), systemdHalt) {
		t.Error("blocks(RTMIN+3) of a thread that blocks it = false; want true")
	}
	if err := unix.PthreadSigmask(unix.SIG_UNBLOCK, &set, nil); err != nil {
		t.Fatal(err)
	}
	runtime.UnlockOSThread()
	if blocks(os.Getpid(), systemdHalt) || blocks(0, systemdHalt) {
		t.Error("blocks(RTMIN+3) of one that does not = true; want false")
	}
}

func TestDestroyRunning(t *testing.T) {
	c := running(t)
	if err := Destroy(c, DestroyOptions{}); err == nil || !strings.HasPrefix(err.Error(), "c is running (") {
		t.Errorf("Destroy of a running container = %v; want c is running (...)", err)
	}
	if err := Destroy(c, DestroyOptions{Force: true}); err != nil || !vanished(c) {
		t.Errorf("Destroy by force = %v; want the container gone", err)
	}
}

// vanished says whether nothing of the container is left.
func vanished(c *Container) bool {
	_, err := os.Lstat(c.Dir())
	return errors.Is(err, os.ErrNotExist)
}
