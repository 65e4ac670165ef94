// Package forkexec runs a prepared list of system calls in a child that has
// nothing of ours in it.
//
// The kernel lets only a single-threaded process join a user or time
// namespace, and a Go process is never single-threaded. So what has to happen
// inside a container is not code but data: a [Program] of system calls, with
// result registers and jumps on failure, made ready by the parent. It is
// executed by an interpreter of a few hundred bytes (interp_*.s), which the
// parent copies out of its own text into a sealed memory file, an ELF image
// together with the program, and executes.
//
// That the child is a program of its own, and not a fork of the Go process,
// buys three things. Hostile root in a container finds no file of the host
// behind /proc/PID/exe, not even by making /sbin/init a link to
// /proc/self/exe (CVE-2019-5736): it finds a sealed image. There is no heap
// of the parent's to read in /proc/PID/mem, and no descriptor but the listed
// ones. And a clone of a process of five pages is cheaper than one of a Go
// heap.
//
//	parent                                      child
//	build Program, Start ── memfd, vfork, exec ──> interpreter: call 0, call 1, ...
//	Process.Next <── reports {index, kind, value} ── failure, or a value reported
//	            <── end of file: the program has run exec or ended ──
package forkexec

import (
	"golang.org/x/sys/unix"
)

// An Arg is an argument of a call: an [Int], a [Reg] or a [Ptr].
type Arg interface {
	arg() (value uint64, register bool)
}

// Int is a number.
type Int int64

// Reg holds the result of an earlier call. The zero Reg is never written to.
type Reg uint8

// Ptr is the address of memory of the program.
type Ptr uint64

// FD is a descriptor of the child, made by [Program.File].
type FD int

func (i Int) arg() (uint64, bool) { return uint64(i), false }
func (r Reg) arg() (uint64, bool) { return uint64(r), true }
func (p Ptr) arg() (uint64, bool) { return uint64(p), false }
func (f FD) arg() (uint64, bool)  { return uint64(f), false }

// A Call is one call of a program; its methods say what happens with the
// result. Without them a failure ends the program and is reported.
type Call struct {
	p     *Program
	index int
}

// Into keeps the result in r: of a call that fails and goes on elsewhere, the
// error number.
func (c Call) Into(r Reg) Call {
	c.p.code[c.index].dst = uint8(r)
	return c
}

// Else goes on at l when the call fails, whatever the error.
func (c Call) Else(l Label) Call { return c.On(0, l) }

// On goes on at l when the call fails with errno; another error still ends the
// program (inside [Program.Optional] any error goes on at l).
func (c Call) On(errno unix.Errno, l Label) Call {
	if c.p.fallback >= 0 {
		errno = 0 // what follows will fail too, and lead to the fallback
	}
	c.p.code[c.index].errno = int32(errno)
	c.p.targets[c.index] = l
	return c
}

// Tolerate goes on with the next call when this one fails with errno.
func (c Call) Tolerate(errno unix.Errno) Call {
	l := c.p.Label()
	c.On(errno, l)
	c.p.placed[l] = c.index + 1
	return c
}

// May goes on with the next call when this one fails, whatever the error.
func (c Call) May() Call { return c.Tolerate(0) }

// A Label is a place in the program to go to.
type Label int

const nowhere Label = -1
