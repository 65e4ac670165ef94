package inside

import (
	_ "embed"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"gantry/tests/rig"
)

var (
	//go:embed configs.txt
	configsText string
	//go:embed DIFFERENCES
	differencesText string

	show = flag.Bool("show", false, "print what C LXC does instead of comparing")
)

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	if err := network(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// network makes the host devices that configurations name.
func network() error {
	if _, err := rig.Bridge("rigbr0", "10.97.0.1/24"); err != nil {
		return err
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

func TestInside(t *testing.T) {
	differences, err := rig.ReadDifferences(differencesText)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rig.Records(configsText, 2) {
		t.Run(row[0], func(t *testing.T) {
			lines := strings.Split(row[1], "|")
			want := start(t, rig.Real(), lines)
			if *show {
				for _, aspect := range slices.Sorted(maps.Keys(want)) {
					t.Logf("%s:\n%s", aspect, want[aspect])
				}
				return
			}
			got := start(t, rig.Ours(), lines)
			compare(t, differences, row[0], want, got)
		})
	}
}

// compare reports the aspects in which two views differ and that are not
// accepted.
func compare(t *testing.T, differences *rig.Differences, name string, want, got view) {
	t.Helper()
	for _, aspect := range slices.Sorted(maps.Keys(want)) {
		w, g := want[aspect], got[aspect]
		if w != g && !differences.Accept(name, aspect, g) {
			t.Errorf("%s differs:\n%s", aspect, rig.LineDiff(w, g))
		}
	}
}

// start starts a container of the given lines and gives its init's view.
func start(t *testing.T, tools rig.Toolset, lines []string) view {
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
	script := prepare(t, lines)
	if out, err := tools.Shell(script + "lxc-start -n c -o /run/start.log -l ERROR").CombinedOutput(); err != nil {
		log, _ := os.ReadFile("/run/start.log")
		t.Fatalf("%s: lxc-start: %v\n%s\n%s", tools.Name, err, out, log)
	}
	time.Sleep(20 * time.Millisecond) // let the init open its script
	// C LXC's lxc-info asks either supervisor.
	out, err := rig.Real().Shell("lxc-info -n c -pH").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: lxc-info: %v\n%s", tools.Name, err, out)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatalf("%s: lxc-info: %v", tools.Name, err)
	}
	v := look(pid)
	if out, err := tools.Shell("lxc-stop -k -n c").CombinedOutput(); err != nil {
		t.Errorf("%s: lxc-stop: %v\n%s", tools.Name, err, out)
	}
	return v
}

// prepare defines the container c, and another beside it, and gives the script
// that goes before its start.
func prepare(t *testing.T, lines []string) (script string) {
	t.Helper()
	const lxcpath = "/var/lib/lxc"
	for _, name := range []string{"c", "other"} {
		if err := os.RemoveAll(lxcpath + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"/run/lxc", "/run/start.log"} {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
	var config []string
	for _, line := range lines {
		if s, ok := strings.CutPrefix(line, "!"); ok {
			script += s + "; "
		} else {
			config = append(config, line)
		}
	}
	if err := rig.Define(lxcpath, "c", config...); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(script, "other") {
		if err := rig.Define(lxcpath, "other"); err != nil {
			t.Fatal(err)
		}
	}
	return script
}

// String joins a view for reports.
func (v view) String() string {
	var b strings.Builder
	for _, aspect := range slices.Sorted(maps.Keys(v)) {
		fmt.Fprintf(&b, "%s:\n%s\n", aspect, v[aspect])
	}
	return b.String()
}
