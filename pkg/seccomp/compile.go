package seccomp

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gantry/internal/log"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxInstructions is the longest program the kernel takes (BPF_MAXINSNS).
const maxInstructions = 4096

// A verdict is what happens to one system call: the first rule whose conditions
// hold decides, and a rule without conditions is alone.
type verdict []Rule

// verdicts are those of the kinds of system calls that share an audit
// architecture, by number: x32 has a bit of its own in it.
type verdicts map[uint32]verdict

// Compile makes the program for a machine. Rules whose system call the machine
// does not have are logged and left out.
func (p *Policy) Compile(goarch string, l *log.Logger) (Program, error) {
	kinds := abis(goarch)
	if kinds == nil {
		return Program{}, errors.New(p.File + ": no seccomp filters can be made for " + goarch)
	}
	if p.NativeOnly {
		kinds = kinds[:1]
	}
	program := Program{Notifies: p.Default == Notify}
	tables := map[uint32]verdicts{}
	for _, kind := range kinds {
		tables[kind.audit] = make(verdicts, len(p.Rules))
	}
	for _, rule := range p.Rules {
		if rule.Machines != "" && !strings.Contains(" "+rule.Machines+" ", " "+goarch+" ") {
			continue
		}
		applied := false
		for _, kind := range kinds {
			found, err := p.apply(rule, kind, tables[kind.audit], l)
			if err != nil {
				return Program{}, err
			}
			applied = applied || found
		}
		program.Notifies = program.Notifies || applied && rule.Action == Notify
		if !applied {
			p.passOver(rule, l)
		}
	}
	filter, err := p.assemble(kinds, tables)
	program.Filter = filter
	return program, err
}

// passOver logs a rule without effect: louder if the name may be misspelt.
func (p *Policy) passOver(rule Rule, l *log.Logger) {
	if _, known := lookup(rule.Syscall); known {
		l.Debug(p.at(rule), rule.Syscall, " is no system call of this machine")
		return
	}
	l.Warn(p.at(rule), rule.Syscall, " is not a known system call; the rule has no effect")
}

func (p *Policy) at(rule Rule) string { return p.File + ":" + decimal(rule.Line) + ": " }

// apply adds the rule to the table of an abi's. found is false if the abi lacks
// the system call.
func (p *Policy) apply(rule Rule, kind abi, table verdicts, l *log.Logger) (found bool, err error) {
	ways := kind.numbers(rule.Syscall)
	if p.NativeOnly {
		if n, err := strconv.ParseUint(rule.Syscall, 10, 32); err == nil {
			ways = []number{{n: uint32(n)}}
		}
	}
	for _, way := range ways {
		if len(way.when) > 0 && len(rule.Conditions) > 0 {
			continue // the arguments of a multiplexed call lie in memory
		}
		r := rule
		r.Conditions = kind.conditions(way, rule)
		if table[way.n], err = p.join(table[way.n], r, l); err != nil {
			return false, err
		}
		found = true
	}
	return found, nil
}

// conditions gives those of the rule for one way to make the call, ordered by
// argument. A mask that leaves no bit of a narrow argument asks nothing.
func (a abi) conditions(way number, rule Rule) []Condition {
	if len(way.when)+len(rule.Conditions) == 0 {
		return nil
	}
	list := slices.Concat(way.when, rule.Conditions)
	list = slices.DeleteFunc(list, func(c Condition) bool { return !a.wide && uint32(c.Mask) == 0 })
	slices.SortFunc(list, func(a, b Condition) int { return a.Arg - b.Arg })
	return list
}

// join adds a rule to those of a system call, with libseccomp's precedence: one
// without conditions beats those with, and of two of them the first wins; what
// rules with conditions leave open goes to the default.
func (p *Policy) join(v verdict, rule Rule, l *log.Logger) (verdict, error) {
	if len(v) == 1 && len(v[0].Conditions) == 0 {
		if v[0].Action != rule.Action {
			l.Warn(p.at(rule), rule.Syscall, ": line ", decimal(v[0].Line), " has decided already")
		}
		return v, nil
	}
	if len(rule.Conditions) == 0 {
		return verdict{rule}, nil
	}
	for _, other := range v {
		switch {
		case !slices.Equal(other.Conditions, rule.Conditions):
		case other.Action == rule.Action:
			return v, nil
		default:
			return nil, errors.New(p.at(rule) + rule.Syscall + ": line " + decimal(other.Line) + " says " +
				other.Action.String() + " on the same condition")
		}
	}
	v = append(v, rule)
	slices.SortStableFunc(v, func(a, b Rule) int { return slices.CompareFunc(a.Conditions, b.Conditions, precedence) })
	return v, nil
}

// precedence orders conditions as libseccomp looks at them: those on later
// arguments first, equality before order, and the narrower of two ranges first.
// It matters where two rules hold at once.
func precedence(a, b Condition) int {
	byValue := cmp.Compare(b.Value&b.Mask, a.Value&a.Mask)
	if a.Op == Less || a.Op == LessOrEqual {
		byValue = -byValue
	}
	return cmp.Or(cmp.Compare(b.Arg, a.Arg), cmp.Compare(rank(a.Op), rank(b.Op)), byValue)
}

func rank(op Op) int {
	switch op {
	case Less, LessOrEqual:
		return 1
	case Greater, GreaterOrEqual:
		return 2
	}
	return 0
}

// assemble makes the program: it looks at the kind of system call, then at the
// number, then at arguments.
func (p *Policy) assemble(kinds []abi, tables map[uint32]verdicts) ([]unix.SockFilter, error) {
	a := &assembler{returns: map[Action]label{}}
	// What is no known kind of call is no call of a program that runs here.
	dispatch := func() label { return a.ret(Kill) }
	for i := len(kinds) - 1; i >= 0; i-- {
		if i > 0 && slices.ContainsFunc(kinds[:i], func(k abi) bool { return k.audit == kinds[i].audit }) {
			continue // x32 is searched along with x86_64
		}
		spans := p.spans(a, kinds[i:], tables[kinds[i].audit])
		start := a.before(a.search(spans), bpf.LoadAbsolute{Off: offNumber, Size: 4})
		next := dispatch
		dispatch = func() label { return a.jump(bpf.JumpEqual, kinds[i].audit, start, next()) }
	}
	a.before(dispatch(), bpf.LoadAbsolute{Off: offArch, Size: 4})
	if len(a.reversed) > maxInstructions {
		return nil, errors.New(p.File + ": the policy is too large: " + decimal(len(a.reversed)) + " instructions, and the kernel takes " + decimal(maxInstructions))
	}
	return a.program()
}

// spans lays out the numbers of all abis that share the audit architecture of the
// first of kinds, from 0 upwards, neighbours with the same fate together.
func (p *Policy) spans(a *assembler, kinds []abi, table verdicts) []span {
	wide := func(n uint32) bool {
		i := slices.IndexFunc(kinds, func(k abi) bool { return k.audit == kinds[0].audit && k.bit == n&x32 })
		return kinds[max(i, 0)].wide
	}
	spans := append(make([]span, 0, 2*len(table)), span{0, a.ret(p.Default)})
	put := func(first uint32, to label) {
		if last := len(spans) - 1; spans[last].first == first {
			spans = spans[:last]
		}
		if last := len(spans) - 1; last < 0 || spans[last].to != to {
			spans = append(spans, span{first, to})
		}
	}
	for _, n := range slices.Sorted(maps.Keys(table)) {
		put(n, a.verdict(table[n], wide(n), p.Default))
		put(n+1, a.ret(p.Default))
	}
	return spans
}

// verdict tries the rules in turn.
func (a *assembler) verdict(v verdict, wide bool, otherwise Action) label {
	next := a.ret(otherwise)
	for i := len(v) - 1; i >= 0; i-- {
		next = a.conditions(v[i].Conditions, wide, a.ret(v[i].Action), next)
	}
	return next
}
