package device

import (
	"slices"
	"strconv"

	"gantry/pkg/cgroup"

	"github.com/cilium/ebpf/asm"
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

// What the registers hold throughout a program.
const (
	kind   = asm.R2
	wanted = asm.R3 // kinds of access no rule has granted yet
	major  = asm.R4
	minor  = asm.R5
)

// instructions translate rules. They are asked newest first: an allowing rule
// takes what it grants off the wanted access, and grants everything when
// nothing is left; a denying one refuses when any of it is still wanted.
func instructions(d cgroup.Devices) asm.Instructions {
	program := asm.Instructions{
		asm.LoadMem(kind, asm.R1, accessOffset, asm.Word),
		asm.Mov.Reg32(wanted, kind),
		asm.RSh.Imm32(wanted, 16),
		asm.And.Imm32(kind, 0xffff),
		asm.LoadMem(major, asm.R1, majorOffset, asm.Word),
		asm.LoadMem(minor, asm.R1, minorOffset, asm.Word),
	}
	label := ""
	for i, r := range slices.Backward(d.Rules) {
		next := "before" + strconv.Itoa(i)
		program = append(program, labelled(label, rule(r, next))...)
		label = next
	}
	verdict := int32(0)
	if d.AllowAll {
		verdict = 1
	}
	return append(program, labelled(label, answer(verdict))...)
}

func labelled(label string, code asm.Instructions) asm.Instructions {
	if label != "" {
		code[0] = code[0].WithSymbol(label)
	}
	return code
}

func answer(verdict int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()}
}

// rule jumps to next when it does not decide.
func rule(r cgroup.DeviceRule, next string) asm.Instructions {
	code := asm.Instructions{asm.JNE.Imm(kind, typeCodes[r.Type], next)}
	if r.Major >= 0 {
		code = append(code, asm.JNE.Imm(major, int32(r.Major), next))
	}
	if r.Minor >= 0 {
		code = append(code, asm.JNE.Imm(minor, int32(r.Minor), next))
	}
	mask := int32(0)
	for _, access := range r.Access {
		mask |= accessBits[access]
	}
	if r.Allow {
		code = append(code,
			asm.And.Imm32(wanted, ^mask),
			asm.JNE.Imm(wanted, 0, next))
		return append(code, answer(1)...)
	}
	code = append(code,
		asm.Mov.Reg32(asm.R0, wanted),
		asm.And.Imm32(asm.R0, mask),
		asm.JEq.Imm(asm.R0, 0, next))
	return append(code, answer(0)...)
}
