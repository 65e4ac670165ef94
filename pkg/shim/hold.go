package shim

import (
	"unsafe"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// held are the signals that end a Go program and that its runtime therefore
// unblocks on every thread, whatever the mask was before (blockableSig in its
// signal_unix.go). os/signal would cost every shim a thread.
var held = [...]unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGTERM}

// early is what the entry of lxc-shim, which runs before there is a Go runtime,
// has found: bit N-1 is signal N.
var early uint64

// Hold keeps these signals from ending this process: a thread that gets one
// blocks it and sends it to the process again, until all threads block it and
// it waits for the signalfd. It is the first thing a shim does. Signals the
// caller ignores stay ignored, here and for lxc-stage.
func Hold() error {
	const flags = 0x4 | 0x8000000 | 0x10000000 | 0x4000000 // SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_RESTORER
	// The kernel's structure (sigaction(2), C library/kernel differences).
	type action struct{ handler, flags, restorer, mask uint64 }
	const size = unsafe.Sizeof(action{}.mask)
	for _, s := range held {
		var was action
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&was)), size, 0, 0)
		if errno == 0 && was.handler != 1 { // SIG_IGN
			a := action{uint64(holderAddress()), flags, uint64(returnAddress()), ^uint64(0)}
			_, _, errno = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&a)), 0, size, 0, 0)
		}
		if errno != 0 {
			return sys.CallError("rt_sigaction", errno)
		}
		if early&(1<<(s-1)) != 0 {
			unix.Kill(unix.Getpid(), s)
		}
	}
	return nil
}

// holderAddress gives the address of the handler, for the kernel alone.
func holderAddress() uintptr

// returnAddress gives the address of what returns from it.
func returnAddress() uintptr
