package seccomp

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// sections lists the section headers of version 2 and the machines, as
// GOARCHes, on which the rules below them count. A header does not restrict
// rules to one kind of system call of the machine: that is LXC's rule, and
// policies rely on it.
var sections = [...]struct{ name, machines string }{
	{"all", ""}, {"x86", "386 amd64"}, {"x86_64", "amd64"}, {"x32", "amd64"}, {"arm", "arm arm64"}, {"arm64", "arm64"},
	{"ppc", "ppc"}, {"ppc64", "ppc64"}, {"ppc64le", "ppc64le"}, {"s390", "s390"}, {"s390x", "s390x"},
	{"mips", "mips"}, {"mips64", "mips64"}, {"mips64n32", "mips64"}, {"mipsel", "mipsle"}, {"mipsel64", "mips64le"},
	{"mipsel64n32", "mips64le"}, {"loongarch64", "loong64"},
}

// forceUmount is the line that forbids umount2(2) with MNT_FORCE, by which a
// container could break mounts it shares with the host.
const forceUmount = "reject_force_umount"

// Parse reads a policy file. Errors begin with FILE:LINE.
func Parse(file string, text []byte) (*Policy, error) {
	p := &parser{policy: &Policy{File: file, Default: Allow}, action: Kill}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for i, line := range lines {
		p.line = i + 1
		var err error
		switch {
		case i == 0:
			err = p.version(line)
		case i == 1:
			err = p.style(line)
		default:
			err = p.rule(strings.TrimSpace(line))
		}
		if err != nil {
			return nil, errors.New(file + ":" + decimal(p.line) + ": " + err.Error())
		}
	}
	if len(lines) < 2 {
		return nil, errors.New(file + ":2: the second line must be denylist or allowlist")
	}
	return p.policy, nil
}

type parser struct {
	policy   *Policy
	numeric  bool   // version 1
	action   Action // of a rule that names none
	machines string // of the section
	line     int
}

// version reads the first line.
func (p *parser) version(line string) error {
	switch strings.TrimSpace(line) {
	case "1":
		p.numeric = true
	case "2":
	default:
		return errors.New(strconv.Quote(line) + " is not a version of policy files (the first line must be 1 or 2)")
	}
	return nil
}

// style reads the second line: which way the list is meant, and in version 2
// what else than allowing or killing happens to what is not in it.
func (p *parser) style(line string) error {
	if strings.Contains(line, "debug") {
		return errors.New("debug is not supported (remove the line)")
	}
	if p.numeric {
		if !strings.Contains(line, "allowlist") {
			return errors.New(strconv.Quote(line) + ": version 1 has no other lists than allowlist (write 2 into the first line)")
		}
		p.policy.NativeOnly, p.policy.Default, p.action = true, Kill, Allow
		return nil
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case strings.HasPrefix(word, "denylist"), strings.HasPrefix(word, "blacklist"):
	case strings.HasPrefix(word, "allowlist"), strings.HasPrefix(word, "whitelist"):
		p.policy.Default, p.action = Kill, Allow
	default:
		return errors.New(strconv.Quote(line) + " is not a kind of list (denylist or allowlist)")
	}
	action, _, err := parseAction(rest, p.policy.Default)
	p.policy.Default = action
	return err
}

// rule reads one of the further lines: a rule, a section header or a comment.
func (p *parser) rule(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	if p.numeric {
		return p.numericRule(line)
	}
	if line[0] == '[' {
		return p.section(line)
	}
	// The name ends at a blank; LXC knows no tabs there, but does not mean them either.
	name, rest := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		name, rest = line[:i], strings.TrimSpace(line[i:])
	}
	if strings.HasPrefix(name, forceUmount) {
		return p.add(Rule{Syscall: "umount2", Action: Errno(unix.EACCES),
			Conditions: []Condition{{Arg: 1, Op: MaskedEqual, Value: unix.MNT_FORCE, Mask: unix.MNT_FORCE}}})
	}
	action, rest, err := parseAction(rest, p.action)
	if err != nil {
		return err
	}
	conditions, err := parseConditions(rest)
	if err != nil {
		return err
	}
	return p.add(Rule{Syscall: name, Action: action, Conditions: conditions})
}

// numericRule reads a line of version 1, the number of a system call.
func (p *parser) numericRule(line string) error {
	number, _, _ := strings.Cut(line, " ")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return errors.New(strconv.Quote(number) + " is not the number of a system call (names need version 2)")
	}
	return p.add(Rule{Syscall: decimal(int(n)), Action: p.action})
}

// add appends a rule. One that repeats the default could only contradict
// others; LXC refuses it too.
func (p *parser) add(r Rule) error {
	if r.Action == p.policy.Default {
		return errors.New(r.Syscall + ": " + r.Action.String() + " is what happens to system calls that are not listed (see line 2)")
	}
	r.Line, r.Machines = p.line, p.machines
	p.policy.Rules = append(p.policy.Rules, r)
	return nil
}

// section reads a header, in all lower or all upper case.
func (p *parser) section(line string) error {
	for _, s := range sections {
		if header := "[" + s.name + "]"; line == header || line == strings.ToUpper(header) {
			p.machines = s.machines
			return nil
		}
	}
	var known []string
	for _, s := range sections {
		known = append(known, "["+s.name+"]")
	}
	return errors.New(strconv.Quote(line) + " is not an architecture (" + strings.Join(known, " ") + ")")
}

// parseAction reads an action and gives what follows it. Nothing, or a
// comment, stands for the action otherwise.
func parseAction(s string, otherwise Action) (Action, string, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "" || s[0] == '#':
		return otherwise, "", nil
	case strings.HasPrefix(s, "errno"):
		n, rest, ok := parseNumber(s[len("errno"):], maxErrno)
		if !ok {
			return 0, "", errors.New(strconv.Quote(s) + " needs the number of an error, 0 to " + decimal(maxErrno))
		}
		return Errno(unix.Errno(n)), rest, nil
	case strings.HasPrefix(s, "trace"):
		n, rest, ok := parseNumber(s[len("trace"):], math.MaxUint16)
		if !ok {
			return 0, "", errors.New(strconv.Quote(s) + " needs the number the tracer is told, 0 to " + decimal(math.MaxUint16))
		}
		return Trace(uint16(n)), rest, nil
	}
	for _, n := range named {
		if rest, ok := strings.CutPrefix(s, n.word); ok {
			return n.action, rest, nil
		}
	}
	return 0, "", errors.New(strconv.Quote(s) + " is not an action (kill, errno N, allow, trap, notify, log or trace N)")
}

// parseNumber reads the number at the beginning of s and gives what follows it.
func parseNumber(s string, most uint64) (n uint64, rest string, ok bool) {
	s = strings.TrimSpace(s)
	digits := strings.TrimLeft(s, "0123456789")
	n, err := strconv.ParseUint(s[:len(s)-len(digits)], 10, 64)
	return n, digits, err == nil && n <= most
}

// maxErrno is the largest error number a system call can return.
const maxErrno = 4095

// parseConditions reads `[ARG,VALUE,OP]` and `[ARG,VALUE,OP,MASK]`, up to six.
// LXC does not look at words after the action when no bracket follows.
func parseConditions(s string) ([]Condition, error) {
	if !strings.Contains(s, "[") {
		return nil, nil
	}
	var list []Condition
	for s = strings.TrimSpace(s); s != "" && s[0] != '#'; s = strings.TrimSpace(s) {
		before, rest, ok := strings.Cut(s, "[")
		inside, rest, closed := strings.Cut(rest, "]")
		if !ok || !closed || strings.TrimSpace(before) != "" {
			return nil, errors.New(strconv.Quote(s) + " is not a condition ([ARG,VALUE,OP] or [ARG,VALUE,OP,MASK])")
		}
		c, err := parseCondition(inside)
		if err != nil {
			return nil, errors.New("[" + inside + "]: " + err.Error())
		}
		for _, other := range list {
			if other.Arg == c.Arg {
				return nil, errors.New("argument " + decimal(c.Arg) + " is compared twice (a second rule says \"or\")")
			}
		}
		list, s = append(list, c), rest
	}
	return list, nil
}

func parseCondition(s string) (c Condition, err error) {
	fields := strings.Split(s, ",")
	if len(fields) < 3 || len(fields) > 4 {
		return c, errors.New("a condition has three or four fields: ARG,VALUE,OP and perhaps MASK")
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if c.Arg, err = strconv.Atoi(fields[0]); err != nil || c.Arg < 0 || c.Arg > 5 {
		return c, errors.New(strconv.Quote(fields[0]) + " is not an argument, 0 to 5")
	}
	if c.Value, err = strconv.ParseUint(fields[1], 0, 64); err != nil {
		return c, errors.New(strconv.Quote(fields[1]) + " is not a number of 64 bits")
	}
	found := false
	for _, o := range ops {
		if fields[2] == o.sign || fields[2] == o.name {
			c.Op, found = o.op, true
		}
	}
	if !found {
		return c, errors.New(strconv.Quote(fields[2]) + " is not a comparison (== != < <= > >= &= or SCMP_CMP_EQ and so on)")
	}
	if len(fields) == 4 {
		if c.Mask, err = strconv.ParseUint(fields[3], 0, 64); err != nil {
			return c, errors.New(strconv.Quote(fields[3]) + " is not a mask of 64 bits")
		}
	}
	switch {
	case c.Op != MaskedEqual:
		c.Mask = ^uint64(0)
	case c.Mask == 0:
		return c, errors.New(fields[2] + " needs a mask as the fourth field; without one it would always hold")
	}
	return c, nil
}
