package seccomp

import "strconv"

// A Policy is what a policy file says.
type Policy struct {
	File    string
	Default Action // of every system call no rule matches
	// NativeOnly: the machine's other kinds of system calls are not for the
	// rules but all end the thread (version 1).
	NativeOnly bool
	Rules      []Rule
}

// A Rule is one line of a policy: Action happens to Syscall if all the
// conditions hold.
type Rule struct {
	Syscall    string // a name, or in version 1 a number
	Action     Action
	Conditions []Condition
	Machines   string // GOARCHes of machines the rule is for, blank separated; empty for all
	Line       int
}

// A Condition compares one argument of a system call with a value.
type Condition struct {
	Arg   int // 0 to 5
	Op    Op
	Value uint64
	Mask  uint64 // MaskedEqual: of the bits that count
}

// Op is a comparison.
type Op int

// The comparisons. MaskedEqual is argument&Mask == Value&Mask.
const (
	Equal Op = iota
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	MaskedEqual
)

// ops lists how policy files write the comparisons.
var ops = [...]struct {
	op         Op
	sign, name string
}{
	{Equal, "==", "SCMP_CMP_EQ"},
	{NotEqual, "!=", "SCMP_CMP_NE"},
	{Less, "<", "SCMP_CMP_LT"},
	{LessOrEqual, "<=", "SCMP_CMP_LE"},
	{Greater, ">", "SCMP_CMP_GT"},
	{GreaterOrEqual, ">=", "SCMP_CMP_GE"},
	{MaskedEqual, "&=", "SCMP_CMP_MASKED_EQ"},
}

func decimal(n int) string { return strconv.Itoa(n) }
