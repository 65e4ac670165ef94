package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"
)

// data is struct seccomp_data.
type data struct {
	nr   uint32
	arch uint32
	args [6]uint64
}

func (d data) word(off uint32) uint32 {
	switch off {
	case 0:
		return d.nr
	case 4:
		return d.arch
	}
	arg := d.args[(off-16)/8]
	if off%8 == 4 {
		return uint32(arg >> 32)
	}
	return uint32(arg)
}

// interpret runs a filter as the kernel does, for the instructions that occur
// in ours and in libseccomp's.
func interpret(t testing.TB, filter []unix.SockFilter, d data) Action {
	t.Helper()
	var acc uint32
	for pc := 0; pc < len(filter); pc++ {
		f := filter[pc]
		var holds bool
		switch f.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			acc = d.word(f.K)
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			acc &= f.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return Action(f.K)
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(f.K)
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			holds = acc == f.K
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			holds = acc > f.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			holds = acc >= f.K
		default:
			t.Fatalf("instruction %d: code %#x", pc, f.Code)
		}
		if holds {
			pc += int(f.Jt)
		} else {
			pc += int(f.Jf)
		}
	}
	t.Fatal("the filter ends without an action")
	return 0
}
