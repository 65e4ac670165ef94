package idmap

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"gantry/pkg/plan"
)

func maps(t testing.TB, lines ...string) (maps []plan.IDMap) {
	t.Helper()
	for i, l := range lines {
		m := plan.IDMap{}
		if _, err := fmt.Sscanf(l, "%c %d %d %d", &m.Kind, &m.Inside, &m.Host, &m.Count); err != nil {
			t.Fatal(l, err)
		}
		m.Origin = plan.Origin{File: "c", Line: i + 1, Key: "lxc.idmap"}
		maps = append(maps, m)
	}
	return maps
}

func FuzzCheck(f *testing.F) {
	f.Add(true, uint32(0), uint32(100000), uint32(65536))
	f.Add(false, uint32(1), uint32(4294967295), uint32(4294967295))
	f.Fuzz(func(t *testing.T, group bool, inside, host, count uint32) {
		m := plan.IDMap{Kind: 'u', Inside: inside, Host: host, Count: count}
		if group {
			m.Kind = 'g'
		}
		Check([]plan.IDMap{m, m}, 0, 0)
		if Check([]plan.IDMap{m}, m.Inside, m.Inside) == nil {
			t.Errorf("Check(%+v) without the other kind = nil", m)
		}
	})
}

func TestTranslation(t *testing.T) {
	m := maps(t, "u 0 100000 1000", "u 1000 1000 1", "u 1001 101001 64535", "g 5 7 1")
	for _, c := range []struct {
		kind         byte
		inside, host uint32
	}{{'u', 0, 100000}, {'u', 999, 100999}, {'u', 1000, 1000}, {'u', 65535, 165535}, {'g', 5, 7}} {
		if got, ok := ToHost(m, c.kind, c.inside); !ok || got != c.host {
			t.Errorf("ToHost(%c, %d) = %d, %t; want %d", c.kind, c.inside, got, ok, c.host)
		}
		if got, ok := ToInside(m, c.kind, c.host); !ok || got != c.inside {
			t.Errorf("ToInside(%c, %d) = %d, %t; want %d", c.kind, c.host, got, ok, c.inside)
		}
	}
	for _, id := range []uint32{65536, 4294967295} {
		if got, ok := ToHost(m, 'u', id); ok {
			t.Errorf("ToHost(u, %d) = %d; want none", id, got)
		}
	}
	if got, ok := ToInside(m, 'u', 101000); ok {
		t.Errorf("ToInside(u, 101000) = %d; want none", got)
	}
	if inside, host, ok := Root(m, 'g', 5); !ok || inside != 5 || host != 7 {
		t.Errorf("Root(g, 5) = %d, %d, %t; want 5, 7", inside, host, ok)
	}
	if _, _, ok := Root(m, 'g', 6); ok {
		t.Error("Root(g, 6) is ok; want none")
	}
}

func TestText(t *testing.T) {
	m := maps(t, "u 1000 1000 1", "g 0 5 5", "u 0 100000 1000")
	if got, want := Text(m, 'u'), "1000 1000 1\n0 100000 1000\n"; got != want {
		t.Errorf("Text(u) = %q; want %q", got, want)
	}
}

func TestCheck(t *testing.T) {
	both := func(lines ...string) []string { return append(lines, "g 0 100000 65536") }
	for _, c := range []struct {
		lines []string
		want  string // part of the error; empty: fine
	}{
		{nil, ""},
		{both("u 0 100000 65536"), ""},
		{both("u 0 0 4294967295"), ""},
		{both("u 0 100000 1000", "u 1000 1000 1", "u 1001 101001 64535"), ""},
		{both("u 7 100000 1"), ""}, // 7 is the init's
		{both("u 1 100000 6"), "c:1: lxc.idmap: no uid mapping for container root"},
		{[]string{"u 0 100000 1"}, "c:1: lxc.idmap: no gid mapping for container root (add lxc.idmap = g 0 100000 65536"},
		{both("u 0 1 0"), "c:1: lxc.idmap: u 0 1 0 maps no id"},
		{both("u 0 4294967295 1"), "beyond the last id"},
		{both("u 1 0 4294967295"), "beyond the last id"},
		{both("u 0 100000 10", "u 9 200000 10"), "c:2: lxc.idmap: u 9 200000 10 overlaps u 0 100000 10 of c:1"},
		{both("u 0 100000 10", "u 10 100009 10"), "overlaps"},
		{both("u 5 100000 10", "u 0 200000 100"), "overlaps"},
	} {
		err := Check(maps(t, c.lines...), 7, 7)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("Check(%q) = %v; want %q", c.lines, err, c.want)
		}
	}
	var many []plan.IDMap
	for i := range uint32(341) {
		many = append(many, plan.IDMap{Kind: 'u', Inside: i, Host: i, Count: 1})
	}
	if err := Check(many, 0, 0); err == nil || !strings.Contains(err.Error(), "340") {
		t.Errorf("Check(341 lines) = %v; want an error that names 340", err)
	}
}

func TestSubordinateIDs(t *testing.T) {
	file := []byte("alice:100000:65536\nbob:1:1\n1000:300000:10\nalice:x:1\n#alice:1:1\nalice:165536:10\nalice:1:0\n\n")
	got := parseSub(file, User{Name: "alice", UID: 1000})
	if want := []Range{{100000, 65536}, {300000, 10}, {165536, 10}}; !reflect.DeepEqual(got, want) {
		t.Errorf("parseSub(alice) = %v; want %v", got, want)
	}
	if got := parseSub(file, User{UID: 7}); got != nil {
		t.Errorf("parseSub(7) = %v; want none", got)
	}
	for _, c := range []struct {
		first, count uint32
		want         bool
	}{{100000, 65536, true}, {100000, 65546, true}, {100000, 65547, false}, {99999, 2, false}, {300009, 1, true}, {4294967295, 1, false}} {
		if covered(got, c.first, c.count); covered(parseSub(file, User{"alice", 1000, 1000}), c.first, c.count) != c.want {
			t.Errorf("covered(%d, %d) = %t; want %t", c.first, c.count, !c.want, c.want)
		}
	}
}

func TestRefusalNamesTheFix(t *testing.T) {
	m := maps(t, "u 0 500000 65536")[0]
	got := refuse(m, []Range{{1, 5}, {200000, 65536}}, User{"alice", 1000, 1000}).Error()
	want := "c:1: lxc.idmap: the uids 500000-565535 are not subordinate ids of user alice (add the line alice:500000:65536 to /etc/subuid, or write lxc.idmap = u 0 200000 65536)"
	if got != want {
		t.Errorf("refuse = %q; want %q", got, want)
	}
}

// The files are the host's, but anybody's programs write them.
func FuzzSub(f *testing.F) {
	f.Add([]byte("tester:100000:65536\n1000:5:0\n"))
	f.Add([]byte("tester:4294967295:4294967295\n:::\ntester:-1:1\ntester:1:1:1"))
	user := User{Name: "tester", UID: 1000}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range parseSub(b, user) {
			if r.Count == 0 {
				t.Errorf("parseSub(%q) has an empty range", b)
			}
			if !covered([]Range{r}, r.First, 1) {
				t.Errorf("the range %v does not hold its first id", r)
			}
		}
	})
}
