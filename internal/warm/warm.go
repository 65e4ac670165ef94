// Package warm brings in the first pages of the heap of a short-lived program
// all at once.
//
// A tool that works for a few milliseconds spends a good part of them on page
// faults: the first touch of each page of its heap is one, and on a virtual
// machine a fault costs ten microseconds. One madvise(2) with
// MADV_POPULATE_WRITE (Linux 5.14) makes a page present for less than one. It
// is a hint: where the kernel does not know it the pages come one by one, as
// ever.
//
// A program imports this package for its effect. Its initialization needs
// nothing but package syscall, so it runs before that of most others.
package warm

import (
	"syscall"
	"unsafe"
)

// size is what starting a container touches; other tools get by with a third.
const size = 2 << 20

const populateWrite = 23 // MADV_POPULATE_WRITE

// The heap grows upwards from its first objects, and here is one.
var _ = populate(new([64]byte))

func populate(object *[64]byte) (errno syscall.Errno) {
	page := uintptr(unsafe.Pointer(object)) &^ uintptr(syscall.Getpagesize()-1)
	_, _, errno = syscall.RawSyscall(syscall.SYS_MADVISE, page, size, populateWrite)
	return errno
}
