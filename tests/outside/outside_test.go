package outside

import (
	_ "embed"
	"flag"
	"os"
	"strings"
	"testing"

	"gantry/tests/rig"
)

var (
	//go:embed testdata/lxc-probe
	probe []byte
	//go:embed testdata/hooked
	hooked []byte

	show    = flag.Bool("show", false, "print what C LXC does instead of comparing")
	starter = flag.String("starter", "", "who makes what a case finds: lxc or gantry for both sides; each its own by default")
)

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	for name, script := range map[string][]byte{"/run/rig/lxc-probe": probe, "/run/rig/hooked": hooked} {
		if err := os.WriteFile(name, script, 0o755); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestOutside runs every case with both toolsets.
func TestOutside(t *testing.T) {
	fixtures := readFixtures()
	differences, err := rig.ReadDifferences(differencesText)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			ran++
			fixture, ok := fixtures[c.fixture]
			if !ok {
				t.Fatalf("no fixture %s", c.fixture)
			}
			if *show {
				t.Logf("%s\n%s", c.script, observe(t, rig.Real(), rig.Real(), fixture, c.script))
				return
			}
			real, ours := rig.Real(), rig.Ours()
			starters := [2]rig.Toolset{real, ours}
			switch *starter {
			case "lxc":
				starters[1] = real
			case "gantry":
				starters[0] = ours
			}
			want := observe(t, real, starters[0], fixture, c.script)
			got := observe(t, ours, starters[1], fixture, c.script)
			compare(t, c, want, got, differences)
		})
	}
	if *show || t.Failed() || ran < len(readCases(t)) || !strings.HasPrefix(rig.Real().Version(), "5.0.") {
		return // DIFFERENCES is written for Debian 12's LXC
	}
	for _, line := range differences.Unused() {
		t.Errorf("DIFFERENCES: %s: nothing differs like this any more", line)
	}
}

// compare reports every aspect in which the two differ and that no line of
// DIFFERENCES accepts.
func compare(t *testing.T, c testCase, want, got observation, differences *rig.Differences) {
	t.Helper()
	var report strings.Builder
	for _, aspect := range aspectOrder {
		w, g := want.aspects[aspect], got.aspects[aspect]
		if w != g && !differences.Accept(c.name, aspect, g) {
			report.WriteString(aspect + " differs:\n" + rig.LineDiff(w, g))
		}
	}
	if report.Len() > 0 {
		t.Errorf("%s\n%sstderr of lxc:\n%sstderr of gantry:\n%s", c.script, &report, want.stderr, got.stderr)
	}
}

// String prints an observation for -show.
func (o observation) String() string {
	var b strings.Builder
	for _, aspect := range aspectOrder {
		b.WriteString(aspect + ": " + o.aspects[aspect] + "\n")
	}
	return b.String() + "stderr as it was: " + o.stderr
}
