package forkexec

import (
	"encoding/binary"
	"os"
	"unsafe"
)

// instruction is one entry of the list the interpreter walks; interp_*.s know
// the offsets.
type instruction struct {
	op    int32 // number of a system call, or one of the ops below
	regs  uint8 // bit i: args[i] is a register
	dst   uint8
	_     uint16
	next  int32 // where to go on failure (or to jump to); 0: nowhere
	errno int32 // the only error that leads to next; 0: any
	args  [6]uint64
}

// The interpreter's own ops.
const (
	opJump     = -1 // to next
	opJumpZero = -2 // to next if args[0] is 0
	opStore32  = -3 // *(uint32 *)args[0] = args[1]
	opLoad32   = -4 // dst = *(uint32 *)args[0]
	opFail     = -5 // report args[0] as kind args[1] and end
	opReport   = -6 // report args[0] as kind args[1] and go on
	opSubtract = -7 // dst = args[0] - args[1]
)

// Where things lie in the child's memory. interp_*.s know dataBase, the
// offset of the registers and that of the code.
const (
	textBase   = 0x10000
	dataBase   = 0x20000000
	regsOffset = 64
	codeOffset = 4096
	memBase    = 0x40000000
)

// A Program is a list of system calls for a child; New makes an empty one.
type Program struct {
	code     []instruction
	about    []About
	targets  []Label // of code[i].next
	what     About
	mem      []byte
	files    []*os.File
	closed   map[FD]bool // by a call of the program
	regs     int
	placed   []int // index of each label's place
	fallback Label // where a failing call goes inside Optional
	strings  map[string]Ptr
}

// New gives an empty program.
func New() *Program {
	p := &Program{fallback: nowhere, strings: map[string]Ptr{}, closed: map[FD]bool{}}
	p.Label() // index 0 cannot be jumped to: the interpreter takes it for nowhere
	return p
}

// About says what a call is for: the text an error is reported with.
type About struct {
	Call   string // "openat2 /dev/pts"
	Origin string // FILE:LINE: KEY of the configuration, or empty
	Step   int    // the caller's own number of the step the call belongs to
}

// About sets what the calls from here on belong to.
func (p *Program) About(a About) { p.what = a }

// File gives f to the child and returns its number there. The child has these
// files and no others.
func (p *Program) File(f *os.File) FD {
	for i, have := range p.files {
		if have == f && i > 2 {
			return FD(i)
		}
	}
	for len(p.files) < 3 {
		p.files = append(p.files, nil)
	}
	p.files = append(p.files, f)
	return FD(len(p.files) - 1)
}

// Inherit gives f to the child under its own number, which must not be taken
// yet; it comes before any File.
func (p *Program) Inherit(f *os.File) {
	fd := int(f.Fd())
	for len(p.files) <= fd {
		p.files = append(p.files, nil)
	}
	p.files[fd] = f
}

// Stdio sets the child's files 0, 1 and 2; nil leaves one closed.
func (p *Program) Stdio(in, out, err *os.File) {
	for len(p.files) < 3 {
		p.files = append(p.files, nil)
	}
	p.files[0], p.files[1], p.files[2] = in, out, err
}

// Reg allocates a register. A program has 250 of them; asking for more is a
// mistake in the caller's code.
func (p *Program) Reg() Reg {
	p.regs++
	if p.regs > 250 {
		panic("forkexec: program out of registers")
	}
	return Reg(p.regs)
}

// Scope runs f and frees the registers it allocated.
func (p *Program) Scope(f func()) {
	regs := p.regs
	f()
	p.regs = regs
}

// Optional runs f; when one of the calls it appends fails, the program goes on
// after them.
func (p *Program) Optional(f func()) {
	outer := p.fallback
	end := p.Label()
	p.fallback = end
	f()
	p.fallback = outer
	p.Place(end)
}

// Finally runs f and then after; inside Optional the calls of after are made
// too when one of f's fails, before the program goes on.
func (p *Program) Finally(f, after func()) {
	outer := p.fallback
	if outer == nowhere {
		f()
		after()
		return
	}
	failed, done := p.Label(), p.Label()
	p.fallback = failed
	f()
	p.fallback = outer
	after()
	p.Jump(done)
	p.Place(failed)
	after()
	p.Jump(outer)
	p.Place(done)
}

// Call appends a system call; what names it in an error.
func (p *Program) Call(what string, nr int, args ...Arg) Call {
	in := instruction{op: int32(nr)}
	for i, a := range args {
		value, register := a.arg()
		in.args[i] = value
		if register {
			in.regs |= 1 << i
		}
	}
	p.code = append(p.code, in)
	p.targets = append(p.targets, p.fallback)
	about := p.what
	about.Call = what
	p.about = append(p.about, about)
	return Call{p, len(p.code) - 1}
}

// Label makes a label, to be placed once.
func (p *Program) Label() Label {
	p.placed = append(p.placed, -1)
	return Label(len(p.placed) - 1)
}

// Place puts l before the next call.
func (p *Program) Place(l Label) { p.placed[l] = len(p.code) }

// Jump goes on at l.
func (p *Program) Jump(l Label) { p.Call("jump", opJump).Else(l) }

// JumpIfZero goes on at l if a is zero.
func (p *Program) JumpIfZero(a Arg, l Label) { p.Call("jump", opJumpZero, a).Else(l) }

// JumpIfEqual goes on at l if a and b are the same.
func (p *Program) JumpIfEqual(a, b Arg, l Label) {
	p.Scope(func() {
		r := p.Reg()
		p.Subtract(r, a, b)
		p.JumpIfZero(r, l)
	})
}

// Set leaves a in r.
func (p *Program) Set(r Reg, a Arg) { p.Subtract(r, a, Int(0)) }

// Store32 writes a into the four bytes at the address at.
func (p *Program) Store32(at Ptr, a Arg) { p.Call("store", opStore32, at, a) }

// Load32 reads the four bytes at the address at into r.
func (p *Program) Load32(r Reg, at Arg) { p.Call("load", opLoad32, at).Into(r) }

// Subtract leaves a-b in r.
func (p *Program) Subtract(r Reg, a, b Arg) { p.Call("subtract", opSubtract, a, b).Into(r) }

// Fail ends the program; the parent sees kind and value.
func (p *Program) Fail(what string, kind Kind, value Arg) { p.Call(what, opFail, value, Int(kind)) }

// Report tells the parent value and goes on.
func (p *Program) Report(what string, kind Kind, value Arg) {
	p.Call(what, opReport, value, Int(kind))
}

// Bytes puts b into the child's memory.
func (p *Program) Bytes(b []byte) Ptr {
	at := Ptr(memBase + len(p.mem))
	p.mem = append(p.mem, b...)
	p.mem = append(p.mem, make([]byte, -len(p.mem)&7)...)
	return at
}

// String puts s into the child's memory, terminated by NUL. A NUL inside s
// would cut it short; callers check foreign strings.
func (p *Program) String(s string) Ptr {
	at, ok := p.strings[s]
	if !ok {
		at = p.Bytes(append([]byte(s), 0))
		p.strings[s] = at
	}
	return at
}

// Strings puts a NULL-terminated array of strings into the child's memory.
func (p *Program) Strings(ss []string) Ptr {
	var array []byte
	for _, s := range ss {
		array = binary.NativeEndian.AppendUint64(array, uint64(p.String(s)))
	}
	return p.Bytes(binary.NativeEndian.AppendUint64(array, 0))
}

// Struct puts the bytes of *v, a structure of the kernel's, into the program's
// memory.
func Struct[T any](p *Program, v *T) Ptr { return p.Bytes(StructBytes(v)) }

// StructBytes gives the memory of *v.
func StructBytes[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// resolve fills the targets of jumps in. A label at the end of the program
// gets a call to stand on.
func (p *Program) resolve() {
	p.Exit(0)
	for i, l := range p.targets {
		if l != nowhere {
			p.code[i].next = int32(p.placed[l])
		}
	}
}
