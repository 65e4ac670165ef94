package cgroup

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

func TestCreateAndRemove(t *testing.T) {
	for name, host := range map[string]Host{"machine": detected(t), "unified": unified(t)} {
		s, err := host.Create(plan.Cgroup{}, unique(t), "/p/a", nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if want := "lxc.payload." + unique(t); s.Payload != want || s.Limit != want || s.Monitor != "lxc.monitor."+unique(t) {
			t.Errorf("%s: names are %s, %s, %s", name, s.Monitor, s.Limit, s.Payload)
		}
		for _, h := range s.Hierarchies {
			st, err := os.Stat(h.Dir(s.Payload))
			if err != nil {
				t.Error(name, err)
			} else if st.Mode() != os.ModeDir|0o755 {
				t.Errorf("%s: mode of %s is %v; want drwxr-xr-x", name, h.Dir(s.Payload), st.Mode())
			}
		}
		if err := errors.Join(s.RemovePayload(time.Second), s.RemoveMonitor(time.Second)); err != nil {
			t.Error(name, err)
		}
		for _, h := range s.Hierarchies {
			if !missing(h.Dir(s.Payload)) || !missing(h.Dir(s.Monitor)) {
				t.Errorf("%s: cgroups remain in %s", name, h.Dir(""))
			}
		}
	}
}

func TestSuffix(t *testing.T) {
	host := detected(t)
	a := create(t, host, plan.Cgroup{}, "/p/a")
	b := create(t, host, plan.Cgroup{}, "/q/a")
	if want := a.Payload + "-1"; b.Payload != want || b.Monitor != a.Monitor+"-1" {
		t.Errorf("the second of a name has %s, %s; want suffix -1", b.Monitor, b.Payload)
	}
}

// A foreign cgroup in one hierarchy of many moves both to the next suffix.
func TestForeignInOneHierarchy(t *testing.T) {
	host := detected(t)
	h := host.Hierarchies[len(host.Hierarchies)/2]
	foreign := "lxc.payload." + unique(t)
	if err := h.mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Rmdir(h.Dir(foreign)) })
	s := create(t, host, plan.Cgroup{}, "/p/a")
	if s.Payload != foreign+"-1" {
		t.Errorf("payload is %s; want %s", s.Payload, foreign+"-1")
	}
	for _, other := range host.Hierarchies {
		if !missing(other.Dir("lxc.monitor."+unique(t))) || missing(h.Dir(foreign)) {
			t.Errorf("the attempt without suffix left something in %s, or took the foreign one", other.Dir(""))
		}
	}
}

// What a killed start leaves is replaced by the next start of the same
// container, at whatever point it was killed.
func TestLeftoversAreReplaced(t *testing.T) {
	host := detected(t)
	for k := range 2*len(host.Hierarchies) + 3 {
		// The first k directories a start makes, in its order.
		s := host.named(plan.Cgroup{}, unique(t), "/p/a", 0)
		made := 0
		for _, rel := range []string{s.Monitor, s.Limit} {
			for i, h := range s.anchorFirst() {
				if made == k {
					break
				}
				made++
				mode := uint32(0o755)
				if i == 0 {
					mode = unfinished
				}
				if err := h.mkdir(rel, mode); err != nil {
					t.Fatal(err)
				}
				if i == 0 && made < k { // killed right after mkdir at made == k
					if err := setMark(h.Dir(rel), s.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		got, err := host.Create(plan.Cgroup{}, unique(t), "/p/a", nil)
		if err != nil {
			t.Fatalf("killed after %d directories: %v", k, err)
		}
		if got.Payload != s.Payload {
			t.Errorf("killed after %d directories: payload %s; want %s", k, got.Payload, s.Payload)
		}
		if err := errors.Join(got.RemovePayload(time.Second), got.RemoveMonitor(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRemoveStale(t *testing.T) {
	host := detected(t)
	old := create(t, host, plan.Cgroup{}, "/p/a")
	other := create(t, host, plan.Cgroup{}, "/q/a")
	second := create(t, host, plan.Cgroup{}, "/p/a-1-not-ours")
	if err := old.EnterPayload(sleeper(t).pid, false); err != nil {
		t.Fatal(err)
	}
	h := old.anchor()
	inside := old.Payload + "/made-inside"
	if err := h.mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := host.RemoveStale(plan.Cgroup{}, unique(t), "/p/a", false); err != nil {
		t.Fatal(err)
	}
	if missing(h.Dir(inside)) || !missing(h.Dir(old.Monitor)) {
		t.Error("without kill the cgroup with a process should stay as it is, the other go")
	}
	if err := host.RemoveStale(plan.Cgroup{}, unique(t), "/p/a", true); err != nil {
		t.Fatal(err)
	}
	for _, h := range host.Hierarchies {
		if !missing(h.Dir(old.Payload)) {
			t.Errorf("%s remains", h.Dir(old.Payload))
		}
		if missing(h.Dir(other.Payload)) || missing(h.Dir(second.Monitor)) {
			t.Errorf("cgroups of other containers are gone from %s", h.Dir(""))
		}
	}
}

func TestParents(t *testing.T) {
	host := detected(t)
	c := plan.Cgroup{Dir: unique(t) + "/deep"}
	a, b := create(t, host, c, "/p/a"), create(t, host, c, "/p/b")
	if !strings.HasPrefix(a.Payload, c.Dir+"/lxc.payload.") {
		t.Errorf("payload is %s; want it in %s", a.Payload, c.Dir)
	}
	for i, s := range []*Set{a, b} {
		if err := errors.Join(s.RemovePayload(time.Second), s.RemoveMonitor(time.Second)); err != nil {
			t.Fatal(err)
		}
		for _, h := range host.Hierarchies {
			if got, want := missing(h.Dir(unique(t))), i == 1; got != want {
				t.Errorf("after removing %d of 2: shared parent gone from %s: %v; want %v", i+1, h.Dir(""), got, want)
			}
		}
	}
}

func TestParentsOfAKilledStart(t *testing.T) {
	host := detected(t)
	c := plan.Cgroup{Dir: unique(t) + "/deep"}
	s := host.named(c, "a", "/p/a", 0)
	if err := s.anchor().mkparents(s.Monitor, true); err != nil {
		t.Fatal(err)
	}
	if err := host.RemoveStale(c, "a", "/p/a", false); err != nil {
		t.Fatal(err)
	}
	if !missing(s.anchor().Dir(unique(t))) {
		t.Error("the parent remains")
	}
}

// Directories that were there before stay.
func TestForeignParentsStay(t *testing.T) {
	host := detected(t)
	h := host.Hierarchies[0]
	if err := h.mkdir(unique(t), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Rmdir(h.Dir(unique(t))) })
	anchored := Host{Layout: layoutOf(host.Hierarchies[:1]), Hierarchies: host.Hierarchies[:1]}
	s := create(t, anchored, plan.Cgroup{Dir: unique(t)}, "/p/a")
	if err := errors.Join(s.RemovePayload(time.Second), s.RemoveMonitor(time.Second)); err != nil {
		t.Fatal(err)
	}
	if missing(h.Dir(unique(t))) {
		t.Error("a parent somebody else made is gone")
	}
}

func TestExplicitDirs(t *testing.T) {
	host := detected(t)
	c := plan.Cgroup{Monitor: unique(t) + "/m", Payload: unique(t) + "/c", Inner: "ns", Origin: plan.Origin{File: "web.conf", Line: 3, Key: "lxc.cgroup.dir.container"}}
	s := create(t, host, c, "/p/a")
	if s.Limit != c.Payload || s.Payload != c.Payload+"/ns" || s.Monitor != c.Monitor {
		t.Errorf("names are %s, %s, %s", s.Monitor, s.Limit, s.Payload)
	}
	_, err := host.Create(c, unique(t), "/q/b", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "web.conf:3: lxc.cgroup.dir.container: ") {
		t.Errorf("taken explicit directory: error %v; want one that names web.conf:3", err)
	}
}

func TestRenew(t *testing.T) {
	s := create(t, detected(t), plan.Cgroup{}, "/p/a")
	p := sleeper(t)
	if err := s.EnterPayload(p.pid, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Renew(plan.Cgroup{}, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.dead:
	case <-time.After(time.Second):
		t.Error("the process of the former life survived")
	}
	if dir := s.Hierarchies[0].Dir(s.Payload); len(processes(dir)) > 0 || missing(dir) {
		t.Error("the payload is not fresh")
	}
}

func TestNoHierarchies(t *testing.T) {
	s, err := Host{}.Create(plan.Cgroup{}, "a", "/p/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.EnterMonitor(0), s.EnterPayload(1, false), s.Limits(plan.Cgroup{}, nil), s.LimitDevices(plan.Cgroup{}, nil),
		s.Delegate(1, 1), s.Renew(plan.Cgroup{}, nil), s.RemovePayload(0), s.LeaveMonitor(), Host{}.RemoveStale(plan.Cgroup{}, "a", "/p/a", true))
	if err != nil {
		t.Error(err)
	}
}
