package seccomp

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (seccomp(2)).
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16
)

// An assembler builds a program from its end to its beginning: what an
// instruction jumps to is there before it, and no jump is left open. BPF jumps
// forward only, so nothing is lost.
type assembler struct {
	reversed []bpf.Instruction
	returns  map[Action]label
}

// A label is the index of an instruction in reversed.
type label int

// near is how many instructions a conditional jump may leap over, less the room
// for two unconditional ones put between.
const near = 255 - 2

func (a *assembler) add(i bpf.Instruction) label {
	a.reversed = append(a.reversed, i)
	return label(len(a.reversed) - 1)
}

// skip is what the next instruction added has to leap over to get to l.
func (a *assembler) skip(l label) int { return len(a.reversed) - 1 - int(l) }

// ret gives an instruction that ends the program with the action.
func (a *assembler) ret(action Action) label {
	l, ok := a.returns[action]
	// A new one costs no more than the jump to one far away.
	if !ok || a.skip(l) > near {
		l = a.add(bpf.RetConstant{Val: uint32(action)})
		a.returns[action] = l
	}
	return l
}

// before puts i in front of l.
func (a *assembler) before(l label, i bpf.Instruction) label {
	if a.skip(l) > 0 {
		a.add(bpf.Jump{Skip: uint32(a.skip(l))})
	}
	return a.add(i)
}

// jump goes to yes if the accumulator compares so with value, else to no.
func (a *assembler) jump(test bpf.JumpTest, value uint32, yes, no label) label {
	if a.skip(yes) > near {
		yes = a.add(bpf.Jump{Skip: uint32(a.skip(yes))})
	}
	if a.skip(no) > near {
		no = a.add(bpf.Jump{Skip: uint32(a.skip(no))})
	}
	return a.add(bpf.JumpIf{Cond: test, Val: value, SkipTrue: uint8(a.skip(yes)), SkipFalse: uint8(a.skip(no))})
}

// conditions goes to yes if all hold, else to no.
func (a *assembler) conditions(list []Condition, wide bool, yes, no label) label {
	for i := len(list) - 1; i >= 0; i-- {
		yes = a.condition(list[i], wide, yes, no)
	}
	return yes
}

// condition goes to yes if c holds, else to no. The accumulator has 32 bits, so
// an argument of 64 takes two steps; of a narrow one the lower half counts, as
// of the value.
func (a *assembler) condition(c Condition, wide bool, yes, no label) label {
	test := bpf.JumpEqual
	switch c.Op {
	case NotEqual:
		yes, no = no, yes
	case Less:
		test, yes, no = bpf.JumpGreaterOrEqual, no, yes
	case LessOrEqual:
		test, yes, no = bpf.JumpGreaterThan, no, yes
	case Greater:
		test = bpf.JumpGreaterThan
	case GreaterOrEqual:
		test = bpf.JumpGreaterOrEqual
	}
	// Both machines are little-endian: the lower half comes first.
	at := uint32(offArgs + 8*c.Arg)
	value := c.Value & c.Mask
	low := a.word(at, uint32(c.Mask), a.jump(test, uint32(value), yes, no))
	if !wide {
		return low
	}
	high := a.jump(bpf.JumpEqual, uint32(value>>32), low, no)
	if test != bpf.JumpEqual {
		high = a.jump(bpf.JumpGreaterThan, uint32(value>>32), yes, high)
	}
	return a.word(at+4, uint32(c.Mask>>32), high)
}

// word loads the bits of the mask of half an argument before the comparison l.
func (a *assembler) word(at, mask uint32, l label) label {
	if mask != ^uint32(0) {
		l = a.before(l, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
	}
	return a.before(l, bpf.LoadAbsolute{Off: at, Size: 4})
}

// A span is the numbers of system calls from first to the next span's first.
type span struct {
	first uint32
	to    label
}

// search goes to the span the accumulator lies in, halving their number with
// each comparison.
func (a *assembler) search(spans []span) label {
	if len(spans) == 1 {
		return spans[0].to
	}
	half := len(spans) / 2
	above := a.search(spans[half:])
	below := a.search(spans[:half])
	return a.jump(bpf.JumpGreaterOrEqual, spans[half].first, above, below)
}

// program gives the instructions in their order, encoded.
func (a *assembler) program() ([]unix.SockFilter, error) {
	filter := make([]unix.SockFilter, len(a.reversed))
	for i, instruction := range a.reversed {
		raw, err := instruction.Assemble()
		if err != nil {
			return nil, err
		}
		filter[len(filter)-1-i] = unix.SockFilter{Code: raw.Op, Jt: raw.Jt, Jf: raw.Jf, K: raw.K}
	}
	return filter, nil
}
