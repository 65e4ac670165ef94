// Package seccomp turns LXC's seccomp policy files into filter programs for
// seccomp(2).
//
//	policy file ──Parse──> Policy ──Compile──> Program: classic BPF
//
// A policy says what happens to the system calls it lists, and what to all
// others. It is applied to every kind of system call the machine's kernel
// takes: on amd64 those of 64-bit, 32-bit and x32 programs, on arm64 those of
// 64-bit and 32-bit ones. The child that becomes the container's init loads the
// program itself, by one seccomp(2) call.
package seccomp

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strings"

	"gantry/internal/log"
	"golang.org/x/sys/unix"
)

// An Action is what happens to a system call: a value of SECCOMP_RET_*, whose
// lower 16 bits are the error number of an errno action.
type Action uint32

// The actions of policy files, besides Errno and Trace. Those that LXC does not
// know, log and trace, are the kernel's and libseccomp's.
const (
	Kill   Action = unix.SECCOMP_RET_KILL_THREAD // the thread ends as if by SIGSYS
	Trap   Action = unix.SECCOMP_RET_TRAP        // the thread gets SIGSYS
	Notify Action = unix.SECCOMP_RET_USER_NOTIF  // the program listening decides
	Log    Action = unix.SECCOMP_RET_LOG         // the call is made, and logged by the kernel
	Allow  Action = unix.SECCOMP_RET_ALLOW
)

// named are they, in the words of policy files.
var named = [...]struct {
	word   string
	action Action
}{{"kill", Kill}, {"trap", Trap}, {"notify", Notify}, {"log", Log}, {"allow", Allow}}

// Errno is the action of letting a call fail with an error.
func Errno(n unix.Errno) Action { return unix.SECCOMP_RET_ERRNO | Action(n)&unix.SECCOMP_RET_DATA }

// Trace is the action of telling a tracer, with a message; without one the call
// fails with ENOSYS.
func Trace(message uint16) Action { return unix.SECCOMP_RET_TRACE | Action(message) }

// String gives the action as policy files write it.
func (a Action) String() string {
	for _, n := range named {
		if n.action == a {
			return n.word
		}
	}
	kind := "errno "
	if a&^unix.SECCOMP_RET_DATA == unix.SECCOMP_RET_TRACE {
		kind = "trace "
	}
	return kind + decimal(int(a&unix.SECCOMP_RET_DATA))
}

// A Program is a filter ready to be loaded.
type Program struct {
	Filter []unix.SockFilter
	// Notifies: a call may be handed to a listener, so loading the program
	// makes the file descriptor for one.
	Notifies bool
}

// Flags is the second argument of the seccomp(SECCOMP_SET_MODE_FILTER) call
// that loads the program. With SECCOMP_FILTER_FLAG_NEW_LISTENER the call
// returns a file descriptor.
func (p Program) Flags() int {
	if p.Notifies {
		return unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	return 0
}

// FilterFor reads and compiles the policy file at path for this machine. Errors
// begin with PATH:LINE; what is passed over is logged.
func FilterFor(path string, l *log.Logger) (Program, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Program{}, err
	}
	policy, err := Parse(path, b)
	if err != nil {
		return Program{}, err
	}
	return policy.Compile(runtime.GOARCH, l)
}

// Confined says whether the calling thread runs under a filter already, so
// that LXC loads a second one only with lxc.seccomp.allow_nesting.
func Confined() (bool, error) {
	const path = "/proc/thread-self/status"
	b, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	for line := range bytes.Lines(b) {
		if mode, ok := strings.CutPrefix(string(line), "Seccomp:"); ok {
			return strings.TrimSpace(mode) != "0", nil
		}
	}
	return false, &os.PathError{Op: "read", Path: path, Err: errors.New("no Seccomp line: the kernel lacks seccomp filters")}
}

// FilterOf is FilterFor as a container asks for it: without a file there is no
// filter, nor where one is in force already and may not be nested.
func FilterOf(file string, nest bool, l *log.Logger) (Program, error) {
	if file == "" {
		return Program{}, nil
	}
	confined, err := Confined()
	if err != nil {
		return Program{}, err
	}
	if confined && !nest {
		l.Warn("a seccomp filter is in force already, ", file, " is not loaded (lxc.seccomp.allow_nesting = 1 loads it)")
		return Program{}, nil
	}
	return FilterFor(file, l)
}
