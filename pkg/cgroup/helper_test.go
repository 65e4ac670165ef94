package cgroup

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gantry/internal/sys"
	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// detected gives the machine's hierarchies.
func detected(t *testing.T) Host {
	t.Helper()
	host, err := Detect(plan.Cgroup{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(host.Hierarchies) == 0 {
		t.Fatal("no cgroup hierarchy can be written to")
	}
	return host
}

// unified gives a host of version 2 alone: the machine's hierarchy of version
// 2, with a fresh base of its own in which the named controller is on offer,
// when the machine has one there.
func unified(t *testing.T) Host {
	t.Helper()
	for _, h := range detected(t).Hierarchies {
		if h.Version != 2 {
			continue
		}
		root := h.Dir("")
		lock(t, root) // tests of other runs give and take controllers too
		if enabled, _ := readFile(root + "/cgroup.subtree_control"); enabled == "" && len(h.Controllers) > 0 {
			if err := writeFile(root+"/cgroup.subtree_control", "+"+h.Controllers[0]); err != nil {
				t.Fatal(err)
			}
			controller := h.Controllers[0]
			t.Cleanup(func() { writeFile(root+"/cgroup.subtree_control", "-"+controller) })
		}
		base := unique(t)
		dir := h.Dir(base)
		if err := h.mkdir(base, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := removeTree(dir); err != nil {
				t.Error(err)
			}
		})
		h.Base = h.Path(base)
		controllers, _ := readFile(h.Dir("") + "/cgroup.controllers")
		h.Controllers = strings.Fields(controllers)
		return Host{Layout: Unified, Hierarchies: []Hierarchy{h}}
	}
	t.Fatal("no hierarchy of version 2")
	return Host{}
}

// lock holds a directory for the test, against other test processes.
func lock(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.Retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}

// unique gives a name no container has.
func unique(t *testing.T) string {
	return "gantry-test-" + strings.ToLower(strings.NewReplacer("/", "-", "#", "").Replace(t.Name())) + "-" + strconv.Itoa(os.Getpid())
}

// create makes a Set and removes it at the end of the test.
func create(t *testing.T, host Host, c plan.Cgroup, id string) *Set {
	t.Helper()
	s, err := host.Create(c, unique(t), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.RemovePayload(5 * time.Second); err != nil {
			t.Error(err)
		}
		if err := s.remove(s.Monitor, 5*time.Second, true); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A process that does nothing, and is reaped when it ends.
type process struct {
	pid  int
	kill func() error
	dead chan struct{}
}

// sleeper starts a process; it ends with the test.
func sleeper(t *testing.T) process {
	t.Helper()
	return started(t, exec.Command("sleep", "60"))
}

func started(t *testing.T, cmd *exec.Cmd) process {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{cmd.Process.Pid, cmd.Process.Kill, make(chan struct{})}
	go func() { cmd.Wait(); close(p.dead) }()
	t.Cleanup(func() { p.kill(); <-p.dead })
	return p
}

// membership gives a process's cgroup in a hierarchy, as /proc/PID/cgroup says.
func membership(t *testing.T, pid int, h Hierarchy) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if h.Version == 2 && parts[0] == "0" || h.Version == 1 && slices.Equal(strings.Split(parts[1], ","), h.Controllers) {
			return parts[2]
		}
	}
	return ""
}

func missing(dir string) bool {
	_, err := os.Lstat(dir)
	return os.IsNotExist(err)
}
