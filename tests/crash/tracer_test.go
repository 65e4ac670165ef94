package crash

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A victim is a process to kill: by what it is, and before which of its system
// calls.
type victim struct {
	role string
	call int64 // from 1
}

// The roles. What else comes of the tool is a helper.
const (
	tool     = "tool"     // lxc-start, lxc-stop, ...
	launcher = "launcher" // the list of system calls that gives birth to the init
	shim     = "shim"
	stage    = "stage"
	initial  = "init" // before and after its exec
	inside   = "inside"
	helper   = "helper"
)

// born is the role of a child before it executes something else.
var born = map[string]string{tool: helper, launcher: initial, shim: helper, stage: helper, initial: inside, inside: inside, helper: helper}

// A tracer follows a tool and all that comes of it. One goroutine, locked to
// its thread, does so until the last of them has ended.
type tracer struct {
	victim  victim
	tasks   map[int]*process   // by thread id
	unborn  map[int]bool       // stopped threads whose birth nobody has reported yet
	seen    atomic.Int64       // calls of the victim so far
	armed   atomic.Bool        // the victim is to die, and has not yet
	killed  atomic.Bool        // the victim
	status  syscall.WaitStatus // of the tool, once it has ended
	ended   chan struct{}      // closed when the tool has
	quiet   chan struct{}      // closed when nobody is traced any more
	failure error              // why the tool could not be run
}

// process is one that is traced.
type process struct {
	pid  int
	role string
	tool bool // the one that was started
}

// options let the kernel attach us to all children and threads, and tell exec
// and system calls apart from SIGTRAP.
const options = unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACESYSGOOD

// trace runs a command under the eyes of a tracer, which also follows the
// running processes, given by their roles.
func trace(v victim, running map[int]string, cmd *exec.Cmd) *tracer {
	t := &tracer{victim: v, tasks: map[int]*process{}, unborn: map[int]bool{}, ended: make(chan struct{}), quiet: make(chan struct{})}
	t.armed.Store(true)
	go func() {
		runtime.LockOSThread() // a tracer is a thread; it ends with this function
		defer close(t.quiet)
		for pid, role := range running {
			t.adopt(pid, role)
		}
		if t.failure = t.run(cmd); t.failure != nil {
			close(t.ended)
			return
		}
		for t.next() {
		}
	}()
	return t
}

// run starts the command as a shell that waits until it is traced, and then
// becomes the tool.
func (t *tracer) run(cmd *exec.Cmd) error {
	hold, release, err := os.Pipe()
	if err != nil {
		return err
	}
	defer release.Close()
	defer hold.Close()
	cmd.Args = append([]string{"sh", "-c", `read x <&3; exec "$@" 3<&-`, "sh"}, cmd.Args...)
	cmd.Path = "/bin/sh"
	cmd.ExtraFiles = []*os.File{hold}
	if err := cmd.Start(); err != nil {
		return err
	}
	t.adopt(cmd.Process.Pid, helper)
	t.tasks[cmd.Process.Pid].tool = true
	_, err = release.WriteString("\n")
	return err
}

// adopt attaches to all threads of a running process.
func (t *tracer) adopt(pid int, role string) {
	p := &process{pid: pid, role: role}
	dirs, _ := filepath.Glob("/proc/" + itoa(pid) + "/task/*")
	for _, dir := range dirs {
		tid := atoi(filepath.Base(dir))
		if ptrace(unix.PTRACE_SEIZE, tid, 0, options) == nil {
			ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0)
			t.tasks[tid] = p
		}
	}
}

// next handles one event; false means that nobody is left.
func (t *tracer) next() bool {
	var status unix.WaitStatus
	tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
	switch {
	case err == unix.EINTR:
		return true
	case err != nil:
		return false
	case !status.Stopped():
		t.gone(tid, status)
		return true
	}
	p := t.tasks[tid]
	if p == nil {
		t.unborn[tid] = true // until its parent's event, which says who it is
		return true
	}
	signal := 0
	switch event := status.TrapCause(); {
	case status.StopSignal() == unix.SIGTRAP|0x80:
		if t.call(tid, p) {
			return true
		}
	case status>>16 == unix.PTRACE_EVENT_STOP:
		if status.StopSignal() != unix.SIGTRAP { // job control: stay stopped
			ptrace(unix.PTRACE_LISTEN, tid, 0, 0)
			return true
		}
	case event == unix.PTRACE_EVENT_EXEC:
		t.exec(tid, p)
	case event > 0:
		t.birth(tid, p)
	case event < 0:
		signal = int(status.StopSignal())
	}
	t.resume(tid, signal)
	return true
}

// resume lets a stopped thread go on; a victim stops at its next call.
func (t *tracer) resume(tid, signal int) {
	how := unix.PTRACE_CONT
	if t.tasks[tid].role == t.victim.role && t.armed.Load() {
		how = unix.PTRACE_SYSCALL
	}
	ptrace(how, tid, 0, uintptr(signal))
}

// call counts a call that begins and kills at the right one.
func (t *tracer) call(tid int, p *process) (killed bool) {
	var info struct { // struct ptrace_syscall_info of ptrace(2)
		op      uint8
		arch    uint32
		ip, sp  uint64
		nr      uint64
		others  [6]uint64
		padding [16]byte
	}
	const entry = 1
	size := unsafe.Sizeof(info)
	if ptrace(unix.PTRACE_GET_SYSCALL_INFO, tid, size, uintptr(unsafe.Pointer(&info))) != nil || info.op != entry {
		return false
	}
	if private[info.nr] || t.seen.Add(1) < t.victim.call || !t.armed.CompareAndSwap(true, false) {
		return false
	}
	t.killed.Store(true)
	unix.Kill(p.pid, unix.SIGKILL)
	return true
}

// private are calls that change nothing which outlives the process: being
// killed before one is no different from being killed before the next other.
var private = map[uint64]bool{
	unix.SYS_FUTEX: true, unix.SYS_MMAP: true, unix.SYS_MUNMAP: true, unix.SYS_MADVISE: true, unix.SYS_MPROTECT: true, unix.SYS_BRK: true,
	unix.SYS_RT_SIGACTION: true, unix.SYS_RT_SIGPROCMASK: true, unix.SYS_RT_SIGRETURN: true, unix.SYS_SIGALTSTACK: true,
	unix.SYS_NANOSLEEP: true, unix.SYS_CLOCK_NANOSLEEP: true, unix.SYS_CLOCK_GETTIME: true, unix.SYS_SCHED_YIELD: true, unix.SYS_SCHED_GETAFFINITY: true,
	unix.SYS_GETPID: true, unix.SYS_GETTID: true, unix.SYS_TGKILL: true, unix.SYS_GETRANDOM: true, unix.SYS_ARCH_PRCTL: true,
	unix.SYS_SET_TID_ADDRESS: true, unix.SYS_SET_ROBUST_LIST: true, unix.SYS_RSEQ: true, unix.SYS_PRLIMIT64: true, unix.SYS_UNAME: true,
	unix.SYS_EPOLL_PWAIT: true, unix.SYS_EPOLL_CTL: true, unix.SYS_EPOLL_CREATE1: true, unix.SYS_EVENTFD2: true, unix.SYS_FCNTL: true,
	unix.SYS_READ: true, unix.SYS_PREAD64: true, unix.SYS_LSEEK: true, unix.SYS_GETDENTS64: true,
	unix.SYS_FSTAT: true, unix.SYS_NEWFSTATAT: true, unix.SYS_STATX: true, unix.SYS_FACCESSAT: true, unix.SYS_FACCESSAT2: true, unix.SYS_READLINKAT: true,
	unix.SYS_GETXATTR: true, unix.SYS_GETSOCKOPT: true, unix.SYS_GETSOCKNAME: true,
}

// birth takes in a child or thread.
func (t *tracer) birth(tid int, parent *process) {
	message, err := unix.PtraceGetEventMsg(tid)
	child := int(message)
	if err != nil || t.tasks[child] != nil {
		return
	}
	p := parent
	if tgid(child) == child {
		p = &process{pid: child, role: born[parent.role]}
	}
	t.tasks[child] = p
	if t.unborn[child] {
		delete(t.unborn, child)
		t.resume(child, 0)
	}
}

// exec gives a process the role of what it executes; its other threads are
// gone.
func (t *tracer) exec(tid int, p *process) {
	for other, q := range t.tasks {
		if q == p && other != tid {
			delete(t.tasks, other)
		}
	}
	exe, _ := os.Readlink("/proc/" + itoa(tid) + "/exe")
	name := filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
	switch {
	case strings.HasPrefix(exe, "/memfd:"):
		p.role = launcher
	case name == "lxc-shim":
		p.role = shim
	case name == "lxc-stage":
		p.role = stage
	case strings.HasPrefix(name, "lxc-") && p.tool:
		p.role = tool
	}
}

func (t *tracer) gone(tid int, status unix.WaitStatus) {
	p := t.tasks[tid]
	delete(t.tasks, tid)
	delete(t.unborn, tid)
	if p != nil && p.tool && p.pid == tid {
		t.status = syscall.WaitStatus(status)
		close(t.ended)
	}
}

// settle waits until the tool has ended, or up says that it has done its work,
// and then until the victim is dead or does nothing any more: then it may
// live. It says whether it came to that.
func (t *tracer) settle(patience time.Duration, up func() bool) bool {
	const calm = 40 * time.Millisecond
	deadline := time.Now().Add(patience)
	for done := false; !done; {
		select {
		case <-t.ended:
			done = true
		case <-time.After(calm / 8):
			done = up() && !t.killed.Load()
		}
		if time.Now().After(deadline) {
			return false
		}
	}
	for seen := int64(-1); seen != t.seen.Load() && !t.killed.Load(); {
		seen = t.seen.Load()
		select {
		case <-t.quiet:
		case <-time.After(calm):
		}
	}
	t.armed.Store(false)
	return true
}

func ptrace(request, tid int, address, data uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), address, data, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// tgid gives the process a thread belongs to.
func tgid(tid int) int {
	status, _ := os.ReadFile("/proc/" + itoa(tid) + "/status")
	_, rest, _ := strings.Cut(string(status), "\nTgid:")
	line, _, _ := strings.Cut(rest, "\n")
	return atoi(strings.TrimSpace(line))
}
