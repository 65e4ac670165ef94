package cgroup

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// TestMain lets tests run their own binary as a process that enters and leaves
// cgroups: the lines of CGROUP_TEST_SET are the Set, CGROUP_TEST_DO what to do.
func TestMain(m *testing.M) {
	do := os.Getenv("CGROUP_TEST_DO")
	if do == "" {
		os.Exit(m.Run())
	}
	s, err := Parse(strings.Split(os.Getenv("CGROUP_TEST_SET"), "\n"))
	if err != nil {
		panic(err)
	}
	switch do {
	case "monitor": // a shim's life
		err = errors.Join(s.EnterMonitor(0), s.LeaveMonitor())
	case "loop": // starts and stops until it is killed
		os.Stdout.WriteString("x")
		for err == nil {
			var made *Set
			if made, err = s.Host.Create(plan.Cgroup{Dir: s.Payload}, "x", "/p/x", nil); err == nil {
				err = errors.Join(made.RemovePayload(time.Second), made.RemoveMonitor(time.Second))
			}
		}
	case "create": // a start from within its own base
		err = writeFile(s.Hierarchies[0].Dir("")+"/cgroup.procs", "0")
		if err == nil {
			s, err = s.Host.Create(plan.Cgroup{}, "x", "/p/x", nil)
		}
		if err == nil {
			err = errors.Join(s.RemovePayload(time.Second), s.RemoveMonitor(0))
		}
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

func helper(t *testing.T, do string, s *Set) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "CGROUP_TEST_DO="+do, "CGROUP_TEST_SET="+strings.Join(s.Lines(), "\n"))
	cmd.Stderr = os.Stderr
	return cmd
}

func TestEnter(t *testing.T) {
	s := create(t, detected(t), plan.Cgroup{}, "/p/a")
	pid := sleeper(t).pid
	for _, step := range []struct {
		enter func() error
		rel   string
	}{
		{func() error { return s.EnterMonitor(pid) }, s.Monitor},
		{func() error { return s.EnterPayload(pid, false) }, s.Payload},
	} {
		if err := step.enter(); err != nil {
			t.Fatal(err)
		}
		for _, h := range s.Hierarchies {
			if got, want := membership(t, pid, h), h.Path(step.rel); got != want {
				t.Errorf("process is in %s of %v; want %s", got, h.Controllers, want)
			}
		}
	}
}

func TestBornInPayload(t *testing.T) {
	s := create(t, unified(t), plan.Cgroup{}, "/p/a")
	h, _ := s.Unified()
	dir, err := s.PayloadFile()
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	pid := started(t, cmd).pid
	if err := s.EnterPayload(pid, true); err != nil {
		t.Fatal(err)
	}
	if got, want := membership(t, pid, h), h.Path(s.Payload); got != want {
		t.Errorf("process is in %s; want %s", got, want)
	}
}

func TestLeaveMonitor(t *testing.T) {
	hosts := map[string]Host{"machine": detected(t), "unified": unified(t)}
	for name, c := range map[string]plan.Cgroup{
		"base":  {},
		"pivot": {Pivot: unique(t) + "-pivot"},
	} {
		for kind, host := range hosts {
			s := create(t, host, c, "/p/a")
			if err := helper(t, "monitor", s).Run(); err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
			for _, h := range s.Hierarchies {
				if !missing(h.Dir(s.Monitor)) {
					t.Errorf("%s, %s: %s remains", name, kind, h.Dir(s.Monitor))
				}
				pivot := h.Dir(clean(c.Pivot + "/" + pivotName))
				if c.Pivot != "" && missing(pivot) {
					t.Errorf("%s, %s: the shim did not go to %s", name, kind, pivot)
				}
				if c.Pivot != "" {
					if err := removeTree(h.Dir(c.Pivot)); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}

// The only process in the base is the caller, as in a delegated scope: it must
// not stand in its own way.
func TestCreateFromWithinTheBase(t *testing.T) {
	host := unified(t)
	h := host.Hierarchies[0]
	s := host.named(plan.Cgroup{}, "x", "/p/x", 0)
	if err := helper(t, "create", s).Run(); err != nil {
		t.Fatal(err)
	}
	if enabled, _ := readFile(h.Dir("") + "/cgroup.subtree_control"); enabled != strings.Join(h.Controllers, " ") {
		t.Errorf("controllers for children of the base: %q; want %q", enabled, h.Controllers)
	}
	if !missing(h.Dir(s.Monitor)) || !missing(h.Dir(s.Payload)) {
		t.Error("cgroups remain")
	}
}

// A start or stop killed at any moment leaves nothing that stands in the way of
// the next, or that RemoveStale does not find.
func TestKilledAnywhere(t *testing.T) {
	host := detected(t)
	s := host.named(plan.Cgroup{Payload: unique(t), Monitor: "unused"}, "x", "/p/x", 0)
	c := plan.Cgroup{Dir: s.Payload}
	for i := range 40 {
		cmd := helper(t, "loop", s)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out.Read(make([]byte, 1))
		time.Sleep(time.Duration(i) * 97 * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		if i%2 == 0 {
			err = host.RemoveStale(c, "x", "/p/x", false)
		} else {
			var next *Set
			if next, err = host.Create(c, "x", "/p/x", nil); err == nil {
				if next.Payload != s.Payload+"/lxc.payload.x" {
					t.Errorf("killed after %d steps: payload is %s", i, next.Payload)
				}
				err = errors.Join(next.RemovePayload(time.Second), next.RemoveMonitor(time.Second))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range host.Hierarchies {
			if !missing(h.Dir(s.Payload)) {
				t.Fatalf("killed after %d steps: %s remains: %q", i, h.Dir(s.Payload), children(h.Dir(s.Payload)))
			}
		}
	}
}

// Somebody else's process in the base: controllers are out of reach, but the
// container's cgroups hold processes nevertheless.
func TestCreateBesideAProcess(t *testing.T) {
	host := unified(t)
	h := host.Hierarchies[0]
	if err := writeFile(h.Dir("")+"/cgroup.procs", strconv.Itoa(sleeper(t).pid)); err != nil {
		t.Fatal(err)
	}
	s := create(t, host, plan.Cgroup{}, "/p/a")
	if err := s.EnterPayload(sleeper(t).pid, false); err != nil {
		t.Error(err)
	}
	if kind, _ := readFile(h.Dir(s.Payload) + "/cgroup.type"); kind != "domain" {
		t.Errorf("cgroup.type of the payload is %q; want domain", kind)
	}
}

// The monitor's cgroup can be removed while the shim still dies.
func TestRemoveMonitorWaits(t *testing.T) {
	s := create(t, unified(t), plan.Cgroup{}, "/p/a")
	shim := sleeper(t)
	if err := s.EnterMonitor(shim.pid); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveMonitor(0); !errors.Is(err, unix.EBUSY) {
		t.Errorf("RemoveMonitor(0) = %v with a shim in it; want EBUSY", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { shim.kill() })
	if err := s.RemoveMonitor(2 * time.Second); err != nil {
		t.Error(err)
	}
}

func TestKill(t *testing.T) {
	for name, host := range map[string]Host{"machine": detected(t), "unified": unified(t)} {
		s := create(t, host, plan.Cgroup{}, "/p/a")
		h, ok := s.Find("freezer")
		if !ok {
			t.Fatal("no freezer")
		}
		// A cgroup made by the container, frozen from inside.
		if err := h.mkdir(s.Payload+"/inner", 0o755); err != nil {
			t.Fatal(err)
		}
		inner, outer := sleeper(t), sleeper(t)
		if err := errors.Join(s.EnterPayload(outer.pid, false), s.EnterPayload(inner.pid, false),
			writeFile(h.Dir(s.Payload)+"/inner/cgroup.procs", strconv.Itoa(inner.pid))); err != nil {
			t.Fatal(err)
		}
		dir, err := Open(h.Dir(s.Payload) + "/inner")
		if err != nil {
			t.Fatal(err)
		}
		if err := FreezeDir(int(dir.Fd()), true, 2*time.Second); err != nil {
			t.Error(err)
		}
		dir.Close()
		if err := s.RemovePayload(5 * time.Second); err != nil {
			t.Error(name, err)
		}
	}
}

func TestFreeze(t *testing.T) {
	for name, host := range map[string]Host{"machine": detected(t), "unified": unified(t)} {
		s := create(t, host, plan.Cgroup{}, "/p/a")
		pid := sleeper(t).pid
		if err := s.EnterPayload(pid, false); err != nil {
			t.Fatal(err)
		}
		h, _ := s.Find("freezer")
		file, want := "/freezer.state", []string{"FROZEN", "THAWED"}
		if h.Version == 2 {
			file, want = "/cgroup.freeze", []string{"1", "0"}
		}
		for i, frozen := range []bool{true, false} {
			if err := s.Freeze(frozen, -1); err != nil {
				t.Error(name, err)
			}
			if got, _ := readFile(h.Dir(s.Limit) + file); got != want[i] {
				t.Errorf("%s: Freeze(%v): %s is %q; want %q", name, frozen, file, got, want[i])
			}
		}
	}
}

func TestDelegate(t *testing.T) {
	for name, host := range map[string]Host{"machine": detected(t), "unified": unified(t)} {
		s := create(t, host, plan.Cgroup{}, "/p/a")
		if err := s.Delegate(100000, 200000); err != nil {
			t.Fatal(name, err)
		}
		for _, h := range s.Hierarchies {
			for file, mode := range map[string]uint32{"": unix.S_IFDIR | 0o775, "/cgroup.procs": unix.S_IFREG | 0o664} {
				var st unix.Stat_t
				if err := unix.Stat(h.Dir(s.Payload)+file, &st); err != nil {
					t.Fatal(err)
				}
				if st.Uid != 100000 || st.Gid != 200000 || st.Mode != mode {
					t.Errorf("%s: %s%s is %d:%d %o; want 100000:200000 %o", name, h.Dir(s.Payload), file, st.Uid, st.Gid, st.Mode, mode)
				}
			}
		}
	}
}

// Many starts of one name, of different containers, never share a cgroup.
func TestRacingStarts(t *testing.T) {
	host := detected(t)
	c := plan.Cgroup{Dir: unique(t)}
	var mu sync.Mutex
	taken := map[string]string{}
	var wait sync.WaitGroup
	for i := range 8 {
		id := "/p" + strconv.Itoa(i) + "/a"
		wait.Go(func() {
			for range 5 {
				s, err := host.Create(c, "a", id, nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if other, ok := taken[s.Payload]; ok {
					t.Errorf("%s has the cgroups of %s: %s", id, other, s.Payload)
				}
				taken[s.Payload] = id
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				delete(taken, s.Payload)
				mu.Unlock()
				if err := errors.Join(s.RemovePayload(time.Second), s.RemoveMonitor(time.Second)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	for _, h := range host.Hierarchies {
		if !missing(h.Dir(c.Dir)) {
			t.Errorf("%s remains", h.Dir(c.Dir))
			removeTree(h.Dir(c.Dir))
		}
	}
}
