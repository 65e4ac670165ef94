package inside

import (
	_ "embed"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry/tests/rig"
)

var (
	//go:embed configs.txt
	configsText string
	//go:embed hooks.txt
	hooksText string
	//go:embed DIFFERENCES
	differencesText string

	show = flag.Bool("show", false, "print what C LXC does instead of comparing")
)

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	if err := furnish(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// furnish makes the probe, and what configurations name: host devices, and the
// ids that containers may use.
func furnish() error {
	// What this process was given is not the containers'.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", probeFile, "./probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the probe: %w\n%s", err, out)
	}
	if _, err := rig.Bridge("rigbr0", "10.97.0.1/24"); err != nil {
		return err
	}
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		if err := os.WriteFile(file, []byte("root:100000:65536\nroot:1000:1\n"), 0o644); err != nil {
			return err
		}
	}
	return spare()
}

// spare makes the device rigdm0, unless it is there. A veth will do: not every
// kernel has dummy devices.
func spare() error {
	if _, err := netlink.LinkByName("rigdm0"); err == nil {
		return nil
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "rigdm0"
	attrs.HardwareAddr = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "rigdm1"})
}

// A view is what was seen of one toolset, by aspect.
type view map[string]string

// observer looks at what a toolset makes of the lines of a case.
type observer func(t *testing.T, tools rig.Toolset, lines []string) view

func TestInside(t *testing.T) {
	differences, err := rig.ReadDifferences(differencesText)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	run := func(table string, observe observer) {
		for _, row := range rig.Records(table, 2) {
			t.Run(row[0], func(t *testing.T) {
				ran++
				var lines []string
				if row[1] != "" {
					lines = strings.Split(row[1], "|")
				}
				want := inOrder(t, rig.Real(), lines, observe)
				if *show {
					t.Log(want)
					return
				}
				compare(t, differences, row[0], want, inOrder(t, rig.Ours(), lines, observe))
			})
		}
	}
	run(configsText, lookInside)
	run(hooksText, followHooks)
	if *show || t.Failed() || ran < len(rig.Records(configsText+hooksText, 2)) || !strings.HasPrefix(rig.Real().Version(), "5.0.") {
		return // DIFFERENCES is written for Debian 12's LXC
	}
	for _, line := range differences.Unused() {
		t.Errorf("DIFFERENCES: %s: nothing differs like this any more", line)
	}
}

// inOrder observes, and leaves the machine as it found it.
func inOrder(t *testing.T, tools rig.Toolset, lines []string, observe observer) view {
	t.Helper()
	before := rig.Look()
	defer func() {
		if err := before.Restore(); err != nil {
			t.Error(err)
		}
		if err := spare(); err != nil { // a phys device dies with its namespace
			t.Error(err)
		}
	}()
	return observe(t, tools, lines)
}

// compare reports the lines in which two views differ and that are not
// accepted.
func compare(t *testing.T, differences *rig.Differences, name string, want, got view) {
	t.Helper()
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, aspect := range slices.Sorted(maps.Keys(all)) {
		if want[aspect] == got[aspect] {
			continue
		}
		var report strings.Builder
		for line := range strings.Lines(rig.LineDiff(want[aspect], got[aspect])) {
			if !differences.Accept(name, aspect, strings.TrimSpace(line)) {
				report.WriteString(line)
			}
		}
		if report.Len() > 0 {
			t.Errorf("%s differs:\n%s", aspect, &report)
		}
	}
}

// String prints a view for -show.
func (v view) String() string {
	var b strings.Builder
	for _, aspect := range slices.Sorted(maps.Keys(v)) {
		b.WriteString(aspect + ":\n" + v[aspect] + "\n")
	}
	return b.String()
}
