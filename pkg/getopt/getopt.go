// Package getopt reads command lines as getopt_long(3) of the GNU C library
// does: operands may stand between options, letters may be joined, a long name
// may be cut short as long as one option only begins so, and "--" ends the
// options. The tools' are read so, and those of templates.
package getopt

import (
	"slices"
	"strings"
)

// Arg says whether an option takes an argument.
type Arg int

// The kinds of options.
const (
	None     Arg = iota // --name, -n
	Required            // --name=ARG, --name ARG, -nARG, -n ARG
	Optional            // --name, --name=ARG, -n, -nARG
)

// An Option is one option that may be met.
type Option struct {
	Long  string
	Short byte // 0 for none
	Arg   Arg

	// Ours marks an option LXC does not have: it never makes a prefix ambiguous
	// that is not so in LXC.
	Ours bool

	Stop bool // ends the command line where it stands: --help
}

// A Found is an option that was met.
type Found struct {
	Option *Option
	Arg    string
}

// A Line is what a command line consists of: options in order, then everything
// else. Parsing ends early at an option that stops it and at a fault; what came
// before stands in Options.
type Line struct {
	Options  []Found
	Operands []string
	Stop     *Option // the option that stopped it
	Fault    string  // getopt's complaint, without the program's name
}

// Parse reads a command line. table holds the options in the order in which
// candidates are listed.
func Parse(table []Option, args []string) Line {
	p := parser{table: table, args: args}
	for len(p.args) > 0 && p.line.Fault == "" && p.line.Stop == nil {
		arg := p.next()
		switch {
		case arg == "--":
			p.line.Operands = append(p.line.Operands, p.args...)
			p.args = nil
		case strings.HasPrefix(arg, "--"):
			p.long(arg[2:])
		case len(arg) > 1 && arg[0] == '-':
			p.cluster(arg[1:])
		default:
			p.line.Operands = append(p.line.Operands, arg)
		}
	}
	return p.line
}

// A parser is the state of one Parse.
type parser struct {
	table []Option
	args  []string // not looked at yet
	line  Line
}

func (p *parser) next() string {
	arg := p.args[0]
	p.args = p.args[1:]
	return arg
}

// take notes an option that was met.
func (p *parser) take(o *Option, arg string) {
	if o.Stop {
		p.line.Stop = o
		return
	}
	p.line.Options = append(p.line.Options, Found{o, arg})
}

// long reads what follows two dashes.
func (p *parser) long(word string) {
	name, arg, glued := strings.Cut(word, "=")
	o := p.find(name, word)
	if o == nil {
		return
	}
	switch {
	case o.Arg == None && glued:
		p.line.Fault = "option '--" + o.Long + "' doesn't allow an argument"
	case o.Arg == Required && !glued && len(p.args) == 0:
		p.line.Fault = "option '--" + o.Long + "' requires an argument"
	case o.Arg == Required && !glued:
		p.take(o, p.next())
	default:
		p.take(o, arg)
	}
}

// find looks a long name up. A whole name wins over longer ones that begin
// with it. The fault quotes the word as typed.
func (p *parser) find(name, word string) *Option {
	for i := range p.table {
		if p.table[i].Long == name {
			return &p.table[i]
		}
	}
	candidates := p.candidates(name, false)
	if len(candidates) == 0 {
		candidates = p.candidates(name, true)
	}
	switch len(candidates) {
	case 0:
		p.line.Fault = "unrecognized option '--" + word + "'"
		return nil
	case 1:
		return candidates[0]
	}
	p.line.Fault = "option '--" + word + "' is ambiguous; possibilities:"
	for _, o := range candidates {
		p.line.Fault += " '--" + o.Long + "'"
	}
	return nil
}

// candidates are the options whose name begins so, LXC's or ours.
func (p *parser) candidates(prefix string, ours bool) []*Option {
	var found []*Option
	for i := range p.table {
		o := &p.table[i]
		if o.Ours == ours && strings.HasPrefix(o.Long, prefix) {
			found = append(found, o)
		}
	}
	return found
}

// cluster reads the letters that follow one dash. The first that takes an
// argument takes what is left.
func (p *parser) cluster(letters string) {
	for letters != "" && p.line.Stop == nil {
		letter := letters[0]
		letters = letters[1:]
		i := slices.IndexFunc(p.table, func(o Option) bool { return o.Short == letter && letter != 0 })
		switch {
		case i < 0:
			p.line.Fault = "invalid option -- '" + string([]byte{letter}) + "'"
			return
		case p.table[i].Arg == None:
			p.take(&p.table[i], "")
			continue
		case letters == "" && p.table[i].Arg == Required && len(p.args) == 0:
			p.line.Fault = "option requires an argument -- '" + string([]byte{letter}) + "'"
		case letters == "" && p.table[i].Arg == Required:
			p.take(&p.table[i], p.next())
		default:
			p.take(&p.table[i], letters)
		}
		return
	}
}
