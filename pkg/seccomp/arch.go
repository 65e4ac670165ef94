package seccomp

import (
	_ "embed" // for the table
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// syscalls has a line for each name of a system call, in alphabetical order:
// the name and its numbers on x86_64, i386, x32, arm64 and arm, or "-".
//
// It is a text and not a Go map because every process that links this package
// would otherwise spend a fifth of a millisecond on building the maps. It is
// made from the tables of github.com/elastic/go-seccomp-bpf; the test says
// where it departs from them.
//
//go:embed syscalls.txt
var syscalls string

// An abi is one kind of system calls a kernel takes.
type abi struct {
	name   string
	audit  uint32 // seccomp_data.arch
	column int    // of syscalls
	bit    uint32 // set in every number
	wide   bool   // arguments have 64 bits
}

// x32 is set in the numbers of x32's system calls (__X32_SYSCALL_BIT).
const x32 = 0x40000000

// abis lists the kinds of system calls of the machine; its own come first.
func abis(goarch string) []abi {
	switch goarch {
	case "amd64":
		return []abi{
			{"x86_64", unix.AUDIT_ARCH_X86_64, 1, 0, true},
			{"x86", unix.AUDIT_ARCH_I386, 2, 0, false},
			{"x32", unix.AUDIT_ARCH_X86_64, 3, x32, false},
		}
	case "arm64":
		return []abi{
			{"arm64", unix.AUDIT_ARCH_AARCH64, 4, 0, true},
			{"arm", unix.AUDIT_ARCH_ARM, 5, 0, false},
		}
	}
	return nil
}

// A number is one way to make a system call: its number, under a condition for
// calls that share a number.
type number struct {
	n    uint32
	when []Condition
}

// numbers finds the ways to make the system call of that name.
func (a abi) numbers(name string) []number {
	var list []number
	if line, ok := lookup(name); ok {
		if w := word(line, a.column); w != "-" { // errors cost more than the rest
			n, _ := strconv.ParseUint(w, 10, 32)
			list = append(list, number{n: uint32(n) | a.bit})
		}
	}
	if a.audit != unix.AUDIT_ARCH_I386 {
		return list
	}
	for _, m := range multiplexed {
		i := m.first
		for call := range strings.SplitSeq(m.calls, " ") {
			if call == name {
				when := Condition{Arg: 0, Op: MaskedEqual, Value: uint64(i), Mask: m.mask}
				list = append(list, number{m.number, []Condition{when}})
			}
			i++
		}
	}
	return list
}

// multiplexed are the two calls of i386 that stand for many, told apart by the
// first argument, numbered from first on (socketcall(2), ipc(2)). ipc keeps a
// version in the upper half of it. A rule for one of the many holds for both
// ways to make it; libseccomp leaves LXC's rules for them out on i386.
var multiplexed = [...]struct {
	number uint32
	first  int
	mask   uint64
	calls  string
}{
	{102, 1, 0xffffffff, "socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom " +
		"shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg"},
	{117, 1, 0xffff, "semop semget semctl semtimedop"},
	{117, 11, 0xffff, "msgsnd msgrcv msgget msgctl"},
	{117, 21, 0xffff, "shmat shmdt shmget shmctl"},
}

// word gives the word of a line that n others come before.
func word(line string, n int) string {
	for ; n > 0; n-- {
		_, line, _ = strings.Cut(line, " ")
	}
	line, _, _ = strings.Cut(line, " ")
	return line
}

// lookup finds the line of a name in the table, by bisection.
func lookup(name string) (string, bool) {
	for low, high := 0, len(syscalls); low < high; {
		start := strings.LastIndexByte(syscalls[:(low+high)/2], '\n') + 1
		line, _, _ := strings.Cut(syscalls[start:], "\n")
		switch key, _, _ := strings.Cut(line, " "); {
		case name == key:
			return line, true
		case name < key:
			high = start
		default:
			low = start + len(line) + 1
		}
	}
	return "", false
}
