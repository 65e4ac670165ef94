package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"gantry/internal/log"
	"golang.org/x/sys/unix"
)

// load puts the calling thread under the program for good.
func load(p Program) (listener uintptr, err error) {
	fprog := unix.SockFprog{Len: uint16(len(p.Filter)), Filter: &p.Filter[0]}
	r, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(p.Flags()), uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return 0, errno
	}
	return r, nil
}

// TestMain runs as the confined child when told to: it loads the policy and
// makes the calls it was given.
func TestMain(m *testing.M) {
	policy := os.Getenv("SECCOMP_TEST_POLICY")
	if policy == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	program, err := FilterFor(policy, &log.Logger{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	before, _ := Confined()
	first, _ := FilterOf(policy, false, nil)
	listener, err := load(program)
	if err != nil {
		fmt.Println("load:", err)
		os.Exit(1)
	}
	after, _ := Confined()
	fmt.Println("confined", before, after, "listener", listener > 0)
	if os.Getenv("SECCOMP_TEST_NEST") != "" {
		second, _ := FilterOf(policy, false, nil)
		nested, err := FilterOf(policy, true, nil)
		none, _ := FilterOf("", true, nil)
		fmt.Println(len(first.Filter) > 0, len(second.Filter) > 0, len(nested.Filter) > 0, len(none.Filter) > 0, err)
		_, err = load(nested)
		fmt.Println(err)
	}
	calls := os.Getenv("SECCOMP_TEST_CALLS")
	if script, ok := strings.CutPrefix(calls, "sh: "); ok {
		fmt.Println(unix.Exec("/bin/sh", []string{"sh", "-c", script}, os.Environ()))
	}
	for _, call := range strings.Fields(calls) {
		var kind string
		var nr, a, b uintptr
		fmt.Sscanf(strings.ReplaceAll(call, ":", " "), "%s %d %d %d", &kind, &nr, &a, &b)
		var errno unix.Errno
		if kind == "native" {
			_, _, errno = unix.RawSyscall(nr, a, b, 0)
		} else {
			errno = int80(nr, a, b)
		}
		fmt.Println(call, int(errno))
	}
	os.Exit(0)
}

// int80 makes a system call of a 32-bit program from this 64-bit one: by a few
// bytes of code of its own, since Go has no means to.
func int80(nr, a, b uintptr) unix.Errno {
	code, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return unix.ENOSYS
	}
	le := func(v uintptr) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }
	text := append([]byte{0xb8}, le(nr)...)                 // mov eax, nr
	text = append(append(text, 0xbb), le(a)...)             // mov ebx, a
	text = append(append(text, 0xb9), le(b)...)             // mov ecx, b
	text = append(text, 0xcd, 0x80, 0x48, 0x63, 0xc0, 0xc3) // int 0x80; movsxd rax, eax; ret
	copy(code, text)
	entry := unsafe.Pointer(&code[0])
	closure := unsafe.Pointer(&entry)
	f := *(*func() int)(unsafe.Pointer(&closure))
	if r := f(); r < 0 {
		return unix.Errno(-r)
	}
	return 0
}

// has32 says whether the kernel takes calls of 32-bit programs. Where it does
// not (ia32_emulation=off, some virtual machines) the instruction faults.
func has32() (yes bool) {
	const getpid = 20
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { yes = recover() == nil }()
	int80(getpid, 0, 0)
	return
}

// calls32 are 32-bit calls, to be made or with their outcome.
var calls32 = regexp.MustCompile(`int80:\S+( \d+\n| ?)`)

func confined(t *testing.T, policy, calls string) (string, *os.ProcessState) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy")
	if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "SECCOMP_TEST_POLICY="+path, "SECCOMP_TEST_CALLS="+calls)
	out, _ := cmd.Output()
	return string(out), cmd.ProcessState
}

func TestKernelObeys(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the numbers are those of amd64")
	}
	all := has32()
	// The calls fail with EBADF, EFAULT and the like when they are let through.
	for _, c := range []struct{ policy, calls, want string }{
		{commonPolicy, "native:246 native:175 native:313:9999 native:166:0:1 native:166:0:0 native:3:9999",
			"confined false true listener false\nnative:246 1\nnative:175 1\nnative:313:9999 1\nnative:166:0:1 13\nnative:166:0:0 14\nnative:3:9999 9\n"},
		{commonPolicy, "int80:283 int80:128 int80:52:0:1 int80:52:0:0 int80:6:9999",
			"confined false true listener false\nint80:283 1\nint80:128 1\nint80:52:0:1 13\nint80:52:0:0 14\nint80:6:9999 9\n"},
		{"2\ndenylist\nsocket errno 77\nsemget errno 78\nclose errno 79 [0,9999,>]\n",
			"native:41:1:1 int80:359:1:1 int80:102:1:0 int80:102:2:0 int80:117:65538:0 native:3:9999 native:3:10000 int80:6:9999 int80:6:10000",
			"confined false true listener false\nnative:41:1:1 77\nint80:359:1:1 77\nint80:102:1:0 77\nint80:102:2:0 14\nint80:117:65538:0 78\n" +
				"native:3:9999 9\nnative:3:10000 79\nint80:6:9999 9\nint80:6:10000 79\n"},
		{"2\ndenylist\nswapon trace 7\nclose log\nmkdir log [1,9999,==]\n", "native:167 native:3:9999 native:83:0:9999",
			"confined false true listener false\nnative:167 38\nnative:3:9999 9\nnative:83:0:9999 14\n"},
		{"2\ndenylist\nswapon notify\n", "native:3:9999", "confined false true listener true\nnative:3:9999 9\n"},
	} {
		if !all {
			c.calls, c.want = calls32.ReplaceAllString(c.calls, ""), calls32.ReplaceAllString(c.want, "")
		}
		if got, state := confined(t, c.policy, c.calls); got != c.want {
			t.Errorf("under %q: %s (%v); want %s", c.policy, got, state, c.want)
		}
	}
}

// A second filter is for lxc.seccomp.allow_nesting alone.
func TestNesting(t *testing.T) {
	t.Setenv("SECCOMP_TEST_NEST", "1")
	want := "confined false true listener false\ntrue false true false <nil>\n<nil>\n"
	if got, state := confined(t, commonPolicy, ""); got != want {
		t.Errorf("%s (%v); want %s", got, state, want)
	}
}

func TestKernelKills(t *testing.T) {
	for _, action := range []string{"kill", "trap"} {
		policy := "2\ndenylist\nmkdir " + action + "\nmkdirat " + action + "\n"
		out, state := confined(t, policy, "sh: echo alive; exec mkdir /nonexistent/dir")
		status := state.Sys().(syscall.WaitStatus)
		if !strings.HasSuffix(out, "alive\n") || !status.Signaled() || status.Signal() != syscall.SIGSYS {
			t.Errorf("under %q: %q, %v; want alive, then SIGSYS", policy, out, state)
		}
	}
}
