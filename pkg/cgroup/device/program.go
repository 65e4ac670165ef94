package device

import (
	"slices"

	"gantry/pkg/cgroup"
	"golang.org/x/sys/unix"
)

// The context of a program is struct bpf_cgroup_dev_ctx: the wanted access in
// the upper half of a word and the type in the lower, then major and minor.
const (
	accessOffset = 0
	majorOffset  = 4
	minorOffset  = 8
)

var (
	accessBits = map[rune]int32{'m': 1, 'r': 2, 'w': 4} // BPF_DEVCG_ACC_*
	typeCodes  = map[byte]int32{'b': 1, 'c': 2}         // BPF_DEVCG_DEV_*
)

// An instruction is the kernel's struct bpf_insn.
type instruction struct {
	code uint8
	regs uint8 // destination in the lower half, source in the upper
	off  int16
	imm  int32
}

// A register of the BPF machine.
type register uint8

// What the registers hold throughout a program.
const (
	verdict register = iota // R0: what the program returns
	context                 // R1: as the kernel calls the program
	kind
	wanted // kinds of access no rule has granted yet
	major
	minor
)

func loadWord(to register, offset int16) instruction {
	return instruction{unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W, uint8(to) | uint8(context)<<4, offset, 0}
}

func number(op uint8, to register, n int32) instruction {
	return instruction{unix.BPF_ALU | op | unix.BPF_K, uint8(to), 0, n}
}

func move(to, from register) instruction {
	return instruction{unix.BPF_ALU | unix.BPF_MOV | unix.BPF_X, uint8(to) | uint8(from)<<4, 0, 0}
}

func answer(n int32) []instruction {
	return []instruction{number(unix.BPF_MOV, verdict, n), {code: unix.BPF_JMP | unix.BPF_EXIT}}
}

// jump compares a register with a number; rule knows how far it leads.
func jump(op uint8, r register, n int32) instruction {
	return instruction{unix.BPF_JMP | op | unix.BPF_K, uint8(r), 0, n}
}

// instructions translate rules. They are asked newest first: an allowing rule
// takes what it grants off the wanted access, and grants everything when
// nothing is left; a denying one refuses when any of it is still wanted.
func instructions(d cgroup.Devices) []instruction {
	program := []instruction{
		loadWord(kind, accessOffset),
		move(wanted, kind),
		number(unix.BPF_RSH, wanted, 16),
		number(unix.BPF_AND, kind, 0xffff),
		loadWord(major, majorOffset),
		loadWord(minor, minorOffset),
	}
	for _, r := range slices.Backward(d.Rules) {
		program = append(program, rule(r)...)
	}
	if d.AllowAll {
		return append(program, answer(1)...)
	}
	return append(program, answer(0)...)
}

// rule gives the instructions of one rule. Whatever jumps in them leads behind
// them: this rule does not decide.
func rule(r cgroup.DeviceRule) []instruction {
	code := []instruction{jump(unix.BPF_JNE, kind, typeCodes[r.Type])}
	if r.Major >= 0 {
		code = append(code, jump(unix.BPF_JNE, major, int32(r.Major)))
	}
	if r.Minor >= 0 {
		code = append(code, jump(unix.BPF_JNE, minor, int32(r.Minor)))
	}
	mask := int32(0)
	for _, access := range r.Access {
		mask |= accessBits[access]
	}
	if r.Allow {
		code = append(code,
			number(unix.BPF_AND, wanted, ^mask),
			jump(unix.BPF_JNE, wanted, 0))
		code = append(code, answer(1)...)
	} else {
		code = append(code,
			move(verdict, wanted),
			number(unix.BPF_AND, verdict, mask),
			jump(unix.BPF_JEQ, verdict, 0))
		code = append(code, answer(0)...)
	}
	for i, in := range code {
		if in.code&7 == unix.BPF_JMP && in.code != unix.BPF_JMP|unix.BPF_EXIT {
			code[i].off = int16(len(code) - i - 1)
		}
	}
	return code
}
