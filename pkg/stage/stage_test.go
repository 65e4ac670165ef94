package stage

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry/internal/log"
	"gantry/pkg/command"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "stage")
	if err != nil {
		panic(err)
	}
	bin = dir
	for _, name := range []string{"lxc-shim", "lxc-stage"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), "gantry/cmd/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			panic(string(out))
		}
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// busybox makes a rootfs whose only program is busybox.
func busybox(t testing.TB) string {
	root := filepath.Join(t.TempDir(), "rootfs")
	for _, dir := range []string{"bin", "proc", "sys", "dev", "etc", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "sleep", "cat", "ls", "id", "mount", "reboot"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// simple is a plan of the least a system container has.
func simple(t testing.TB, argv ...string) *plan.Plan {
	p := &plan.Plan{
		Name: "stage-" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")), LXCPath: t.TempDir(), Daemon: true,
		Rootfs:  plan.Rootfs{Path: busybox(t), Mount: t.TempDir()},
		Init:    plan.Init{Argv: argv, Env: []string{"container=lxc"}, DeathSignal: 9, Personality: -1},
		Console: plan.Console{},
		TTYs:    plan.TTYs{Max: 2, PtyMax: 1024},
	}
	for _, kind := range []string{"mnt", "pid", "uts", "ipc", "net", "cgroup"} {
		p.Namespaces = append(p.Namespaces, plan.Namespace{Kind: kind})
	}
	origin := plan.Origin{File: "config", Line: 7, Key: "lxc.init.cmd"}
	p.Init.Origin = origin

	p.Steps = []plan.Step{
		{Op: plan.OpSlave},
		{Op: plan.OpRootfs, Origin: plan.Origin{File: "config", Line: 1, Key: "lxc.rootfs.path"}},
		{Op: plan.OpHostname, Source: "inside"},
		{Op: plan.OpMount, In: plan.Inside, Path: "dev", FSType: "tmpfs", Source: "none", Options: plan.MountOptions{Data: "size=500000,mode=755"}},
		{Op: plan.OpMount, In: plan.Inside, Path: "proc", FSType: "proc", Source: "proc", Options: plan.MountOptions{Set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC}},
		{Op: plan.OpMknod, In: plan.Inside, Path: "dev/null", Mode: unix.S_IFCHR | 0o666, Dev: unix.Mkdev(1, 3)},
		{Op: plan.OpDevpts, Source: "devpts", FSType: "devpts", Options: plan.MountOptions{Data: "newinstance,ptmxmode=0666,mode=0620,gid=5,max=1024"}},
		{Op: plan.OpConsole},
		{Op: plan.OpTTYs},
		{Op: plan.OpPivot},
		{Op: plan.OpWait, Stage: "cgroup"},
		{Op: plan.OpUnshare, Stage: "cgroup"},
		{Op: plan.OpNetwork},
		{Op: plan.OpStdio},
		{Op: plan.OpWait, Stage: "go"},
		{Op: plan.OpExec, Origin: origin},
	}
	return p
}

func start(t testing.TB, p *plan.Plan) error {
	listener, err := command.Listen(p.LXCPath, p.Name)
	for errors.Is(err, command.ErrInUse) {
		if s, _ := command.NewClient(p.LXCPath, p.Name).State(); s != command.Stopped {
			break
		}
		listener, err = command.Listen(p.LXCPath, p.Name)
	}
	if err != nil {
		t.Fatal(err)
	}
	l := &log.Logger{Prog: "test", Name: p.Name, Stderr: os.Stderr, Level: log.Info}
	return Start(p, Options{
		Prog: "lxc-start", Log: l, LogFile: os.Stderr, Listener: listener, Environ: os.Environ(),
		Shim: bin + "/lxc-shim", Stage: bin + "/lxc-stage", Answers: []Answer{{"lxc.uts.name", "inside"}},
	})
}

func stop(t testing.TB, p *plan.Plan) {
	t.Helper()
	if err := command.NewClient(p.LXCPath, p.Name).Stop(); err != nil {
		t.Error(err)
	}
	leftovers(t, p)
}

// leftovers looks for cgroups that should be gone.
func leftovers(t testing.TB, p *plan.Plan) {
	t.Helper()
	var left []string
	for range 100 {
		left, _ = filepath.Glob("/sys/fs/cgroup/*/lxc.*." + p.Name)
		if len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("left behind: %v", left)
}

func TestStartStop(t *testing.T) {
	p := simple(t, "/bin/sleep", "1000")
	if err := start(t, p); err != nil {
		t.Fatal(err)
	}
	c := command.NewClient(p.LXCPath, p.Name)
	if s, err := c.State(); err != nil || s != command.Running {
		t.Errorf("state %v, %v; want RUNNING", s, err)
	}
	if v, ok, err := c.ConfigItem("lxc.uts.name"); v != "inside" || !ok || err != nil {
		t.Errorf("config item %q, %v, %v", v, ok, err)
	}
	pid, err := c.InitPID()
	if err != nil {
		t.Fatal(err)
	}
	line, _ := os.ReadFile(procPath(pid, "cmdline"))
	if string(line) != "/bin/sleep\x001000\x00" {
		t.Errorf("init is %q", line)
	}
	stop(t, p)
}

func TestBadInit(t *testing.T) {
	p := simple(t, "/sbin/nope")
	err := start(t, p)
	if err == nil || !strings.HasPrefix(err.Error(), "config:7: lxc.init.cmd: execute /sbin/nope: no such file or directory (") {
		t.Errorf("error %v", err)
	}
	leftovers(t, p)
}

// What a child fails with is the error, and not what becomes impossible by its
// end.
func TestCauseAndConsequence(t *testing.T) {
	for range 100 {
		p := simple(t, "/bin/sleep", "1000")
		p.Networks = []plan.Network{{Type: "empty"}}
		p.Steps = []plan.Step{
			{Op: plan.OpMkdir, Path: "/proc/nope", Origin: plan.Origin{File: "config", Line: 3, Key: "lxc.mount.entry"}},
			{Op: plan.OpNetwork},
		}
		if err := start(t, p); err == nil || !strings.HasPrefix(err.Error(), "config:3: lxc.mount.entry: mkdir /proc/nope: ") {
			t.Fatalf("error %v; want that of the step", err)
		}
	}
}

func TestReboot(t *testing.T) {
	p := simple(t, "/bin/sh", "-c", "sleep 0.2; test -e /tmp/again && exec sleep 1000; >/tmp/again; reboot -f")
	if err := start(t, p); err != nil {
		t.Fatal(err)
	}
	c := command.NewClient(p.LXCPath, p.Name)
	first, err := c.InitPID()
	if err != nil {
		t.Fatal(err)
	}
	var second int
	for range 200 {
		time.Sleep(10 * time.Millisecond)
		if s, _ := c.State(); s != command.Running {
			continue
		}
		if second, _ = c.InitPID(); second != first {
			break
		}
	}
	if second == first || second == 0 {
		t.Errorf("init %d, then %d; want another", first, second)
	}
	stop(t, p)
}

func BenchmarkStartStop(b *testing.B) {
	p := simple(b, "/bin/sleep", "1000")
	var starting time.Duration
	for b.Loop() {
		began := time.Now()
		if err := start(b, p); err != nil {
			b.Fatal(err)
		}
		starting += time.Since(began)
		if err := command.NewClient(p.LXCPath, p.Name).Stop(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(starting.Microseconds())/float64(b.N), "µs/start")
}
