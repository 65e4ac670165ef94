package hostile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gantry/pkg/command"
	"gantry/tests/rig"
)

const (
	lxcpath  = "/var/lib/lxc"
	evilFile = "/run/rig/evil"
	// hostRoot is the host's id of an id-mapped container's root.
	hostRoot = 100000
	// mostMemory is what a monitor may have come to after an attack, in kB: Go
	// begins to collect garbage at 4 MB.
	mostMemory = 8192
	// limit is how long any one command may take.
	limit = 20 * time.Second
)

// tools are a copy of ours: an attack that succeeds harms nothing but it.
var tools = rig.Toolset{Name: "gantry", Dir: "/run/rig/tools"}

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// furnish makes the copy of the tools, the evil program, and what it is after.
func furnish() error {
	if out, err := exec.Command("cp", "-r", rig.Ours().Dir, tools.Dir).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the tools: %w\n%s", err, out)
	}
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", evilFile, "./evil")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build evil: %w\n%s", err, out)
	}
	return makeOutside()
}

// A box is one container with a hostile root.
type box struct {
	testing.TB
	name   string
	root   string // its rootfs
	mapped bool
}

// each runs a test with the host's root inside, and with an id map.
func each(t *testing.T, test func(t *testing.T, mapped bool)) {
	t.Run("root", func(t *testing.T) { test(t, false) })
	t.Run("mapped", func(t *testing.T) { test(t, true) })
}

// newBox defines a container; what is left of it when the test ends is a
// failure, and goes.
func newBox(t testing.TB, mapped bool, lines ...string) *box {
	t.Helper()
	b := &box{TB: t, name: "c", mapped: mapped, root: filepath.Join(lxcpath, "c/rootfs")}
	restore := rig.Look().Restore
	t.Cleanup(func() {
		restore()
		os.RemoveAll(filepath.Join(lxcpath, b.name))
	})
	rig.Watch(t)
	watchOutside(t)
	if mapped {
		lines = append([]string{"lxc.idmap = u 0 100000 65536", "lxc.idmap = g 0 100000 65536"}, lines...)
	}
	if err := rig.Define(lxcpath, b.name, lines...); err != nil {
		t.Fatal(err)
	}
	evil, err := os.ReadFile(evilFile)
	if err == nil {
		err = os.WriteFile(b.root+"/evil", evil, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.own()
	t.Cleanup(func() { b.tool("lxc-stop", "-k", b.name) })
	return b
}

// own gives the rootfs to the container's root.
func (b *box) own() {
	if !b.mapped {
		return
	}
	os.Chmod(filepath.Dir(b.root), 0o755)
	filepath.WalkDir(b.root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			os.Lchown(path, hostRoot, hostRoot)
		}
		return nil
	})
}

// put writes a file of the rootfs.
func (b *box) put(name, content string) {
	b.Helper()
	file := filepath.Join(b.root, name)
	os.Remove(file)
	if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
		b.Fatal(err)
	}
	b.own()
}

// get reads a file of the rootfs, once it is there.
func (b *box) get(name string) string {
	b.Helper()
	file := filepath.Join(b.root, name)
	eventually(b, func() error {
		_, err := os.Stat(file)
		return err
	})
	content, err := os.ReadFile(file)
	if err != nil {
		b.Error(err)
	}
	return string(content)
}

// command prepares one of the tools.
func toolCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(tools.Dir, name), args...)
	cmd.Env = append(os.Environ(), "PATH="+tools.Path())
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	return cmd
}

// tool runs one of the tools to its end and gives its output and exit status.
// One that takes longer than the limit fails the test.
func (b *box) tool(name string, args ...string) (out string, status int) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := toolCommand(ctx, name, args...)
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		b.Errorf("%s %s takes longer than %v", name, strings.Join(args, " "), limit)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Logf("%s: %v", name, err)
	}
	return string(output), cmd.ProcessState.ExitCode()
}

// start starts the container, which must succeed.
func (b *box) start() {
	b.Helper()
	if out, status := b.tool("lxc-start", b.name); status != 0 {
		b.Fatalf("lxc-start: %s", out)
	}
}

// stop kills the container, which must succeed and not take long.
func (b *box) stop() {
	b.Helper()
	began := time.Now()
	if out, status := b.tool("lxc-stop", "-k", b.name); status != 0 {
		b.Errorf("lxc-stop -k: status %d: %s", status, out)
	}
	if took := time.Since(began); took > 8*time.Second {
		b.Errorf("lxc-stop -k took %v", took)
	}
}

// attach runs a command inside and gives its output.
func (b *box) attach(args ...string) (out string, status int) {
	b.Helper()
	return b.tool("lxc-attach", append([]string{"-n", b.name, "--"}, args...)...)
}

// evil begins an attack inside, in the background, and waits for a word of its
// output.
func (b *box) evil(word string, args ...string) {
	b.Helper()
	script := "/evil " + strings.Join(args, " ") + " </dev/null >/out 2>&1 & for i in $(seq 200); do grep -q '" + word + "' /out && exit; sleep 0.02; done; exit 1"
	if out, status := b.attach("sh", "-c", script); status != 0 {
		said, _ := os.ReadFile(b.root + "/out")
		b.Fatalf("evil %v: status %d: %s%s", args, status, out, said)
	}
}

// monitor gives the pid of the container's monitor, the init's parent.
func (b *box) monitor() int {
	b.Helper()
	pid, err := b.client().InitPID()
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(after(read(b, pid, "stat"), ") "))
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func (b *box) client() *command.Client { return command.NewClient(lxcpath, b.name) }

func after(s, sep string) string {
	_, rest, _ := strings.Cut(s, sep)
	return rest
}

// read gives a file of /proc/PID.
func read(t testing.TB, pid int, name string) string {
	t.Helper()
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + name)
	if err != nil {
		t.Error(err)
	}
	return string(content)
}

// eventually repeats f until it succeeds.
func eventually(t testing.TB, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Error(err)
}

// busy gives the processor time a process has used.
func busy(t testing.TB, pid int) time.Duration {
	t.Helper()
	fields := strings.Fields(after(read(t, pid, "stat"), ") "))
	var ticks int
	for _, f := range fields[11:13] {
		n, _ := strconv.Atoi(f)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory gives the kilobytes a process has to itself.
func memory(t testing.TB, pid int) int {
	t.Helper()
	for line := range strings.Lines(read(t, pid, "smaps_rollup")) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Private_Dirty:" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// openFiles counts the descriptors of a process.
func openFiles(t testing.TB, pid int) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		t.Error(err)
	}
	return len(entries)
}

// healthy fails the test unless the monitor answers, is idle and holds as much
// as before.
func healthy(b *box, pid int, files int) {
	b.Helper()
	if state, err := b.client().State(); err != nil || state != command.Running {
		b.Errorf("state %v, %v; want RUNNING", state, err)
	}
	before := busy(b, pid)
	time.Sleep(500 * time.Millisecond)
	if used := busy(b, pid) - before; used > 150*time.Millisecond {
		b.Errorf("the monitor used %v of half a second; want it idle", used)
	}
	if now := openFiles(b, pid); files > 0 && now > files+4 {
		b.Errorf("the monitor has %d open files, had %d", now, files)
	}
	if kb := memory(b, pid); kb > mostMemory {
		b.Errorf("the monitor holds %d kB; want less than %d", kb, mostMemory)
	}
}
