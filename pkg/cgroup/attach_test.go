package cgroup

import (
	"errors"
	"testing"

	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

func TestJoin(t *testing.T) {
	for name, host := range map[string]Host{"machine": detected(t), "unified": unified(t)} {
		s := create(t, host, plan.Cgroup{}, "/p/a")
		if err := s.Delegate(100000, 200000); err != nil {
			t.Fatal(err)
		}
		var dirs []int
		for _, h := range s.Hierarchies {
			f, err := Open(h.Dir(s.Payload))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			dirs = append(dirs, int(f.Fd()))
		}
		pid := sleeper(t).pid
		if err := Join(dirs, pid, false); err != nil {
			t.Fatal(name, err)
		}
		for _, h := range s.Hierarchies {
			want := h.Path(s.Payload)
			if h.Version == 2 {
				want += "/.lxc"
				var st unix.Stat_t
				if unix.Stat(h.Dir(s.Payload)+"/.lxc", &st); st.Uid != 100000 || st.Gid != 200000 {
					t.Errorf(".lxc belongs to %d:%d; want the payload's owner", st.Uid, st.Gid)
				}
			}
			if got := membership(t, pid, h); got != want {
				t.Errorf("%s: process is in %s of %v; want %s", name, got, h.Controllers, want)
			}
		}
	}
}

// An init that gives controllers to the children of .lxc makes the next one
// necessary.
func TestLeafAvoidsInnerCgroups(t *testing.T) {
	s := create(t, unified(t), plan.Cgroup{}, "/p/a")
	h, _ := s.Unified()
	payload, err := Open(h.Dir(s.Payload))
	if err != nil {
		t.Fatal(err)
	}
	defer payload.Close()
	wants := []string{".lxc", ".lxc-1", ".lxc-2"}
	if len(h.Controllers) == 0 {
		wants = wants[:1]
	}
	for _, want := range wants {
		leaf, err := Leaf(int(payload.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if leaf.Name() != want {
			t.Errorf("Leaf is %s; want %s", leaf.Name(), want)
		}
		leaf.Close()
		if err := errors.Join(h.enable(s.Payload), h.enable(s.Payload+"/"+want)); err != nil {
			t.Fatal(err)
		}
	}
}
