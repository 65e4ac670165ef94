package capability

import (
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int // -1: an error
	}{
		{"chown", 0}, {"kill", 5}, {"sys_admin", unix.CAP_SYS_ADMIN}, {"mac_admin", unix.CAP_MAC_ADMIN},
		{"checkpoint_restore", unix.CAP_CHECKPOINT_RESTORE}, {"0", 0}, {"40", 40}, {"0x5", 5},
		{"", -1}, {"none", -1}, {"41", -1}, {"-1", -1}, {"64", -1}, {"KILL", -1}, {"cap_kill", -1}, {"kil", -1},
	} {
		got, err := Parse(c.in, 40)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("Parse(%q, 40) = %d, %v; want %d", c.in, got, err, c.want)
		}
	}
	const want = `"CAP_KILL" is not a capability (did you mean kill?)`
	if _, err := Parse("CAP_KILL", 40); err == nil || err.Error() != want {
		t.Errorf("Parse(CAP_KILL) = %v; want %s", err, want)
	}
}

// The names must be those of the kernel's header, in its order.
func TestNamesAreLibcaps(t *testing.T) {
	out, err := exec.Command("capsh", "--decode=1ffffffffff").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(strings.TrimSpace(string(out)), "=")
	for n, name := range strings.Split(list, ",") {
		if got := "cap_" + Name(n); got != name {
			t.Errorf("Name(%d) = %q; want %q", n, got, name)
		}
	}
	if got := Name(63); got != "63" {
		t.Errorf("Name(63) = %q; want 63", got)
	}
}

func TestLastIsTheKernels(t *testing.T) {
	last := Last()
	if has := func(n int) bool {
		_, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0)
		return err == nil
	}; !has(last) || has(last+1) {
		t.Errorf("Last() = %d; want the last that prctl(PR_CAPBSET_READ) knows", last)
	}
}

func TestDropped(t *testing.T) {
	for _, c := range []struct {
		caps plan.Caps
		last int
		want Set
	}{
		{plan.Caps{}, 40, 0},
		{plan.Caps{Drop: []int{0, 5}}, 40, 1 | 1<<5},
		{plan.Caps{Drop: []int{40}}, 37, 0},
		{plan.Caps{Keep: []int{5}, Keeps: true}, 40, (1<<41 - 1) &^ (1 << 5)},
		{plan.Caps{Keeps: true}, 40, 1<<41 - 1},
		{plan.Caps{Keeps: true}, 63, ^Set(0)},
	} {
		if got := Dropped(c.caps, c.last); got != c.want {
			t.Errorf("Dropped(%+v, %d) = %#x; want %#x", c.caps, c.last, got, c.want)
		}
	}
}

func TestSet(t *testing.T) {
	if got := SetOf(5, 0, 40).List(); !reflect.DeepEqual(got, []int{0, 5, 40}) {
		t.Errorf("List() = %v; want [0 5 40]", got)
	}
}

func TestStatusOf(t *testing.T) {
	cmd := exec.Command("capsh", "--drop=cap_mknod,cap_sys_module", "--", "-c", "echo; exec sleep 60")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	out.Read(make([]byte, 1)) // the shell runs: the set is dropped
	mine, err := StatusOf(0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := StatusOf(cmd.Process.Pid)
	if want := mine.Bounding &^ SetOf(unix.CAP_MKNOD, unix.CAP_SYS_MODULE); err != nil || got.Bounding != want {
		t.Errorf("StatusOf(child).Bounding = %#x, %v; want %#x", got.Bounding, err, want)
	}
	if _, err := StatusOf(1 << 30); !os.IsNotExist(err) {
		t.Errorf("StatusOf(%d) = %v; want not exist", 1<<30, err)
	}
	// Sets the kernel prints for the thread that asks must be the ones capget(2) gives it.
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
	if want := Set(data[0].Effective) | Set(data[1].Effective)<<32; mine.Effective != want {
		t.Errorf("StatusOf(0).Effective = %#x; want %#x", mine.Effective, want)
	}
}

func TestParseStatusRejects(t *testing.T) {
	for _, in := range []string{"", "CapEff:\t0\n", "CapBnd:\tx\n", "CapBnd:\n"} {
		if s, err := parseStatus([]byte(in)); err == nil {
			t.Errorf("parseStatus(%q) = %+v; want an error", in, s)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte("Name:\tsh\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n"))
	f.Add([]byte("CapBnd:\tno"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseStatus(text); err != nil && s != (Status{}) {
			t.Errorf("parseStatus = %+v with the error %v", s, err)
		}
	})
}
