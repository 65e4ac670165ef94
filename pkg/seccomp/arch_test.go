package seccomp

import (
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// The table must be the library's, less what that lists wrongly: calls that
// x32 and arm64 kernels do not have, and its own name for newfstatat on arm64.
// Of the two numbers it has for some names on x32, those from 512 on are right.
func TestTableIsTheLibrarys(t *testing.T) {
	const notX32 = "_sysctl create_module epoll_ctl_old epoll_wait_old get_kernel_syms get_thread_area map_shadow_stack nfsservctl " +
		"query_module set_thread_area uselib vserver"
	libraries := map[string]map[int]string{
		"x86_64": arch.X86_64.SyscallNumbers, "x86": arch.I386.SyscallNumbers, "x32": arch.X32.SyscallNumbers,
		"arm64": arch.AARCH64.SyscallNumbers, "arm": arch.ARM.SyscallNumbers,
	}
	libraries["arm64"][79] = "newfstatat"
	for _, kind := range append(abis("amd64"), abis("arm64")...) {
		best := map[string]int{}
		for n, name := range libraries[kind.name] {
			best[name] = max(best[name], n)
		}
		for name, want := range best {
			wrong := kind.name == "x32" && slices.Contains(strings.Fields(notX32), name) ||
				kind.name == "arm64" && (strings.HasSuffix(name, "time64") || name == "clock_adjtime64")
			got := slices.DeleteFunc(kind.numbers(name), func(n number) bool { return n.when != nil })
			switch {
			case wrong && len(got) > 0:
				t.Errorf("%s on %s = %d; want none", name, kind.name, got[0].n)
			case !wrong && (len(got) != 1 || got[0].n != uint32(want)|kind.bit):
				t.Errorf("%s on %s = %v; want %d", name, kind.name, got, want)
			}
		}
	}
	lines := strings.Split(strings.TrimSuffix(syscalls, "\n"), "\n")
	if !slices.IsSorted(lines) {
		t.Error("syscalls.txt is not sorted")
	}
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) != 6 {
			t.Errorf("line %q has %d fields; want 6", line, len(fields))
		} else if got, ok := lookup(fields[0]); !ok || got != line {
			t.Errorf("lookup(%q) = %q, %t", fields[0], got, ok)
		}
	}
	for _, name := range []string{"", "a", "zzz", "read ", "acct\n"} {
		if line, ok := lookup(name); ok {
			t.Errorf("lookup(%q) = %q; want none", name, line)
		}
	}
}
