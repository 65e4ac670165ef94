package shim

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"gantry/pkg/handover"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// unified makes cgroups in a base of their own, in the hierarchy of version 2
// alone.
func unified(t *testing.T) (set *cgroup.Set, base string) {
	t.Helper()
	host, err := cgroup.Detect(plan.Cgroup{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(host.Hierarchies, func(h cgroup.Hierarchy) bool { return h.Version == 2 })
	if i < 0 {
		t.Fatal("no cgroup hierarchy of version 2")
	}
	h := host.Hierarchies[i]
	h.Base, h.Controllers = h.Path("gantry-freeze-"+strconv.Itoa(os.Getpid())), nil
	base = h.Dir("")
	if err := os.Mkdir(base, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(base) })
	host.Layout, host.Hierarchies = cgroup.Unified, []cgroup.Hierarchy{h}
	if set, err = host.Create(plan.Cgroup{}, "c", "/c", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		set.RemovePayload(time.Second)
		set.RemoveMonitor(time.Second)
	})
	return set, base
}

// TestFreezeUnified lets a request wait for the freezer of version 2, which
// tells by EPOLLPRI: no timer looks.
func TestFreezeUnified(t *testing.T) {
	set, base := unified(t)
	dir, err := cgroup.Open(base)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	box := int(dir.Fd())

	path := t.TempDir()
	listener, err := command.Listen(path, "c")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := &shim{state: &handover.State{Name: "c"}, files: handover.Files{handover.Listen: listener}, clients: map[int]*client{}, cgroups: set}
	if s.loop, err = newLoop(); err != nil {
		t.Fatal(err)
	}
	if s.server, err = command.NewServer(int(listener.Fd())); err != nil {
		t.Fatal(err)
	}
	if err := s.watch(s.server.FD, unix.EPOLLIN, s.accept); err != nil {
		t.Fatal(err)
	}
	go s.run(func() bool { return false })

	c := command.Client{Address: command.Address(path, "c"), Timeout: 5 * time.Second}
	if err := c.Freeze(-1); err != nil {
		t.Errorf("FREEZE = %v; want nil", err)
	}
	if err := cgroup.FreezeDir(box, true, time.Second); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error)
	go func() { answer <- c.Unfreeze(-1) }()
	time.Sleep(50 * time.Millisecond)
	if state, err := c.State(); state != command.Thawed || err != nil {
		t.Errorf("state = %v, %v; want %v", state, err, command.Thawed)
	}
	cgroup.FreezeDir(box, false, 0)
	if err := <-answer; err != nil {
		t.Errorf("UNFREEZE = %v; want nil", err)
	}
}
