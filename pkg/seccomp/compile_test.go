package seccomp

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"gantry/internal/log"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// commonPolicy does what LXC's common.seccomp does.
const commonPolicy = `2
denylist
reject_force_umount  # comment this to allow umount -f
[all]
kexec_load errno 1
open_by_handle_at errno 1
init_module errno 1
finit_module errno 1
delete_module errno 1
`

const (
	x86_64 = unix.AUDIT_ARCH_X86_64
	i386   = unix.AUDIT_ARCH_I386
	arm64  = unix.AUDIT_ARCH_AARCH64
	arm    = unix.AUDIT_ARCH_ARM
	x32Bit = 0x40000000
)

func compile(t testing.TB, text, machine string) Program {
	t.Helper()
	p, err := Parse("p", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	program, err := p.Compile(machine, nil)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func TestDecisions(t *testing.T) {
	eperm, eacces := Errno(unix.EPERM), Errno(unix.EACCES)
	for _, c := range []struct {
		text, machine string
		call          data
		want          Action
	}{
		{commonPolicy, "amd64", data{nr: 246, arch: x86_64}, eperm}, // kexec_load
		{commonPolicy, "amd64", data{nr: 245, arch: x86_64}, Allow},
		{commonPolicy, "amd64", data{nr: 247, arch: x86_64}, Allow},
		{commonPolicy, "amd64", data{nr: 283, arch: i386}, eperm},
		{commonPolicy, "amd64", data{nr: 246, arch: i386}, Allow},
		{commonPolicy, "amd64", data{nr: 528 | x32Bit, arch: x86_64}, eperm},
		{commonPolicy, "amd64", data{nr: 246 | x32Bit, arch: x86_64}, Allow},
		{commonPolicy, "amd64", data{nr: 166, arch: x86_64, args: [6]uint64{0, 1}}, eacces}, // umount2 MNT_FORCE
		{commonPolicy, "amd64", data{nr: 166, arch: x86_64, args: [6]uint64{0, 3}}, eacces},
		{commonPolicy, "amd64", data{nr: 166, arch: x86_64, args: [6]uint64{1, 2}}, Allow},
		{commonPolicy, "amd64", data{nr: 52, arch: i386, args: [6]uint64{0, 1}}, eacces},
		{commonPolicy, "amd64", data{nr: 166 | x32Bit, arch: x86_64, args: [6]uint64{0, 1}}, eacces},
		{commonPolicy, "amd64", data{nr: 1<<32 - 1, arch: x86_64}, Allow},
		{commonPolicy, "amd64", data{nr: 246, arch: arm64}, Kill},
		{commonPolicy, "arm64", data{nr: 104, arch: arm64}, eperm},
		{commonPolicy, "arm64", data{nr: 347, arch: arm}, eperm},
		{commonPolicy, "arm64", data{nr: 39, arch: arm64, args: [6]uint64{0, 1}}, eacces},
		{commonPolicy, "arm64", data{nr: 0, arch: x86_64}, Kill},
		// Sections do not tie rules to one kind of call; those of other machines are left out.
		{"2\ndenylist\n[x86]\nkexec_load\n", "amd64", data{nr: 246, arch: x86_64}, Kill},
		{"2\ndenylist\n[arm]\nkexec_load\n", "amd64", data{nr: 246, arch: x86_64}, Allow},
		{"2\ndenylist\n[arm]\nkexec_load\n", "arm64", data{nr: 104, arch: arm64}, Kill},
		// What the machine's own calls lack, its 32-bit calls may have.
		{"2\ndenylist\nwaitpid errno 1\n", "amd64", data{nr: 7, arch: i386}, eperm},
		{"2\ndenylist\nwaitpid errno 1\n", "amd64", data{nr: 7, arch: x86_64}, Allow},
		// Calls i386 multiplexes.
		{"2\ndenylist\nsocket errno 1\n", "amd64", data{nr: 41, arch: x86_64}, eperm},
		{"2\ndenylist\nsocket errno 1\n", "amd64", data{nr: 359, arch: i386}, eperm},
		{"2\ndenylist\nsocket errno 1\n", "amd64", data{nr: 102, arch: i386, args: [6]uint64{1}}, eperm},
		{"2\ndenylist\nsocket errno 1\n", "amd64", data{nr: 102, arch: i386, args: [6]uint64{2}}, Allow},
		{"2\ndenylist\nshmget errno 1\n", "amd64", data{nr: 117, arch: i386, args: [6]uint64{1<<16 | 23}}, eperm},
		{"2\ndenylist\naccept4 errno 1\n", "amd64", data{nr: 102, arch: i386, args: [6]uint64{18}}, eperm},
		{"2\ndenylist\nsendmmsg errno 1\n", "amd64", data{nr: 102, arch: i386, args: [6]uint64{20}}, eperm},
		{"2\ndenylist\nsocket errno 1 [0,16,==]\n", "amd64", data{nr: 359, arch: i386, args: [6]uint64{16}}, eperm},
		{"2\ndenylist\nsocket errno 1 [0,16,==]\n", "amd64", data{nr: 102, arch: i386, args: [6]uint64{1}}, Allow},
		// Merging.
		{"2\ndenylist\nacct errno 1\nacct errno 2\n", "amd64", data{nr: 163, arch: x86_64}, Errno(1)},
		{"2\ndenylist\nacct errno 1 [0,1,==]\nacct errno 2\n", "amd64", data{nr: 163, arch: x86_64, args: [6]uint64{1}}, Errno(2)},
		{"2\ndenylist\nacct errno 1\nacct errno 2 [0,1,==]\n", "amd64", data{nr: 163, arch: x86_64, args: [6]uint64{1}}, Errno(1)},
		{"2\ndenylist\nacct errno 1 [0,1,==]\nacct errno 2 [1,1,==]\n", "amd64", data{nr: 163, arch: x86_64, args: [6]uint64{1, 1}}, Errno(2)},
		{"2\ndenylist\nacct errno 1 [0,1,==]\nacct errno 2 [1,1,==]\n", "amd64", data{nr: 163, arch: x86_64, args: [6]uint64{1, 0}}, Errno(1)},
		{"2\nallowlist\nacct allow [0,1,==]\n", "amd64", data{nr: 163, arch: x86_64, args: [6]uint64{2}}, Kill},
		// Version 1: numbers of the machine's own calls, nothing else.
		{"1\nallowlist\n0\n", "amd64", data{nr: 0, arch: x86_64}, Allow},
		{"1\nallowlist\n0\n", "amd64", data{nr: 1, arch: x86_64}, Kill},
		{"1\nallowlist\n0\n", "amd64", data{nr: 0, arch: i386}, Kill},
		{"1\nallowlist\n0\n", "amd64", data{nr: x32Bit, arch: x86_64}, Kill},
		{"2\ndenylist trap\nacct kill\n", "amd64", data{nr: 1, arch: x86_64}, Trap},
	} {
		if got := interpret(t, compile(t, c.text, c.machine).Filter, c.call); got != c.want {
			t.Errorf("%q on %s: call %+v: %v; want %v", c.text, c.machine, c.call, got, c.want)
		}
	}
}

func TestNotify(t *testing.T) {
	if p := compile(t, "2\ndenylist\nmknod notify\n", "amd64"); p.Flags() != unix.SECCOMP_FILTER_FLAG_NEW_LISTENER {
		t.Errorf("Flags() with notify = %d; want NEW_LISTENER", p.Flags())
	}
	if p := compile(t, "2\ndenylist\n[arm]\nmknod notify\n", "amd64"); p.Flags() != 0 {
		t.Errorf("Flags() with notify elsewhere = %d; want 0", p.Flags())
	}
}

func TestContradictionsNameBothLines(t *testing.T) {
	p, err := Parse("p", []byte("2\ndenylist\nacct errno 1 [0,1,==]\nacct errno 2 [0,1,==]\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "p:4: acct: line 3 says errno 1 on the same condition"
	if _, err := p.Compile("amd64", nil); err == nil || err.Error() != want {
		t.Errorf("Compile = %v; want %s", err, want)
	}
}

func TestPassedOverRulesAreLogged(t *testing.T) {
	var out strings.Builder
	l := &log.Logger{Prog: "test", File: &out, Level: log.Debug}
	p, err := Parse("p", []byte("2\ndenylist\nnosuch\narm_fadvise64_64\nacct errno 1\nacct errno 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Compile("amd64", l); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"WARN ", "p:3: nosuch is not a known system call", "DEBUG ", "p:4: arm_fadvise64_64 is no system call of this machine",
		"p:6: acct: line 5 has decided already"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log = %q; want %q", out.String(), want)
		}
	}
}

// holds is what the language says about a condition, in the plainest words.
func (c Condition) holds(arg uint64, wide bool) bool {
	value, mask := c.Value, c.Mask
	if !wide {
		arg, value, mask = arg&0xffffffff, value&0xffffffff, mask&0xffffffff
	}
	switch c.Op {
	case Equal:
		return arg == value
	case NotEqual:
		return arg != value
	case Less:
		return arg < value
	case LessOrEqual:
		return arg <= value
	case Greater:
		return arg > value
	case GreaterOrEqual:
		return arg >= value
	}
	return arg&mask == value&mask
}

// possible lists the actions the rules of a policy allow for a call of that
// name; several if rules contradict each other.
func (p *Policy) possible(name string, kind abi, d data) (list []Action) {
	for _, r := range p.Rules {
		if r.Syscall == name && !slices.ContainsFunc(r.Conditions, func(c Condition) bool { return !c.holds(d.args[c.Arg], kind.wide) }) {
			list = append(list, r.Action)
		}
	}
	if len(list) == 0 {
		return []Action{p.Default}
	}
	return list
}

func TestRandomPoliciesDecideAsTheyRead(t *testing.T) {
	values := []uint64{0, 1, 2, 5, 0x10, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, ^uint64(0) - 1, ^uint64(0)}
	masks := []uint64{1, 3, 0xf0, 0xffffffff, 0xff00000000, 0x1000000ff}
	names := strings.Fields("acct sync mount umount2 setns unshare bpf reboot kcmp ptrace ioctl keyctl read write openat close futex waitpid clone clone3")
	for seed := range int64(150) {
		r := rand.New(rand.NewSource(seed))
		pick := func(list []uint64) uint64 { return list[r.Intn(len(list))] }
		p := &Policy{File: "p", Default: []Action{Allow, Kill, Errno(9)}[r.Intn(3)]}
		for line := range 1 + r.Intn(60) {
			rule := Rule{Syscall: names[r.Intn(len(names))], Action: []Action{Errno(1), Errno(2), Trap}[r.Intn(3)], Line: line + 3}
			for _, arg := range r.Perm(6)[:r.Intn(3)] {
				c := Condition{Arg: arg, Op: Op(r.Intn(7)), Value: pick(values), Mask: ^uint64(0)}
				if c.Op == MaskedEqual {
					c.Mask = pick(masks)
				}
				rule.Conditions = append(rule.Conditions, c)
			}
			p.Rules = append(p.Rules, rule)
		}
		machine := []string{"amd64", "arm64"}[r.Intn(2)]
		program, err := p.Compile(machine, nil)
		if err != nil {
			continue // contradictions
		}
		for _, kind := range abis(machine) {
			for _, name := range names {
				for _, way := range kind.numbers(name) {
					d := data{nr: way.n, arch: kind.audit}
					for range 20 {
						for i := range d.args {
							d.args[i] = pick(values)
						}
						if got, want := interpret(t, program.Filter, d), p.possible(name, kind, d); !slices.Contains(want, got) {
							t.Fatalf("seed %d: %s call %+v: %v; want one of %v of %+v", seed, kind.name, d, got, want, p.Rules)
						}
					}
				}
			}
		}
	}
}

// The filters beside the policies in testdata were made by libseccomp 2.5.4, by
// the calls LXC makes of it.
func TestAgreesWithLibseccomp(t *testing.T) {
	files, _ := filepath.Glob("testdata/libseccomp/*.policy")
	if len(files) < 10 {
		t.Fatalf("%d policies; want 10", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(strings.TrimSuffix(file, ".policy") + ".bpf")
		if err != nil {
			t.Fatal(err)
		}
		theirs := make([]unix.SockFilter, len(b)/int(unsafe.Sizeof(unix.SockFilter{})))
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(theirs))), len(b)), b)
		ours := compile(t, string(text), "amd64").Filter
		values := []uint64{0, 1, 2, 3, 15, 16, 17, 0x5412, 0x10000000, 0x7e020000, 0xffffffff, 1 << 32, ^uint64(0)}
		for _, arch := range []uint32{x86_64, i386, arm} {
			for _, bit := range []uint32{0, x32Bit} {
				for n := range uint32(600) {
					d := data{nr: n | bit, arch: arch}
					for _, v := range values {
						if arch != x86_64 || bit != 0 {
							v &= 0xffffffff
						}
						d.args = [6]uint64{v, values[int(n)%len(values)] & 0xffffffff, 2}
						if got, want := interpret(t, ours, d), interpret(t, theirs, d); got != want {
							t.Fatalf("%s: %+v: %v; libseccomp says %v", file, d, got, want)
						}
					}
				}
			}
		}
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden shows what becomes of a policy of every action, operator and kind of
// section, instruction by instruction, on both kinds of machine.
func TestGolden(t *testing.T) {
	policy, err := os.ReadFile("testdata/golden/every.policy")
	if err != nil {
		t.Fatal(err)
	}
	for _, machine := range []string{"amd64", "arm64"} {
		var got strings.Builder
		for i, f := range compile(t, string(policy), machine).Filter {
			code := bpf.RawInstruction{Op: f.Code, Jt: f.Jt, Jf: f.Jf, K: f.K}.Disassemble()
			fmt.Fprintf(&got, "%3d %v\n", i, code)
		}
		file := "testdata/golden/every." + machine
		if *update {
			if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || got.String() != string(want) {
			t.Errorf("%s: the program differs from the file (-update writes it anew): %v\n%s", file, err, got.String())
		}
	}
}

// A list of every system call there is, some with conditions, is nothing special.
func TestLargePolicies(t *testing.T) {
	every := strings.Split(strings.TrimSpace(syscalls), "\n")
	text := "2\nallowlist errno 1\n"
	for i, line := range every {
		text += strings.Fields(line)[0] + " allow"
		if i%4 == 0 {
			text += fmt.Sprintf(" [%d,%d,<=]", i%6, i)
		}
		text += "\n"
	}
	program := compile(t, text, "amd64")
	call := data{nr: 0, arch: x86_64}
	if got := interpret(t, program.Filter, call); got != Allow {
		t.Errorf("read = %v; want allow (%d instructions)", got, len(program.Filter))
	}
	for range 10 {
		for _, line := range every {
			text += fmt.Sprintf("%s allow [0,%d,<=][1,%d,>]\n", strings.Fields(line)[0], len(text), len(text))
		}
	}
	p, err := Parse("p", []byte(strings.Replace(text, "allowlist", "denylist", 1)))
	if err == nil {
		_, err = p.Compile("amd64", nil)
	}
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("Compile of a huge policy = %v; want an error", err)
	}
}

func BenchmarkCommon(b *testing.B) {
	for b.Loop() {
		p, _ := Parse("p", []byte(commonPolicy))
		program, _ := p.Compile(runtime.GOARCH, nil)
		b.ReportMetric(float64(len(program.Filter)), "instructions")
	}
}

// BenchmarkLarge is of a list of every system call there is.
func BenchmarkLarge(b *testing.B) {
	text := "2\nallowlist errno 1\n"
	for line := range strings.Lines(syscalls) {
		text += strings.Fields(line)[0] + "\n"
	}
	for b.Loop() {
		p, _ := Parse("p", []byte(text))
		if _, err := p.Compile(runtime.GOARCH, nil); err != nil {
			b.Fatal(err)
		}
	}
}
