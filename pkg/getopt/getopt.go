package tool

import (
	"slices"
	"strings"
)

// A commandLine is what getopt makes of the arguments: options in one form,
// then everything else. Parsing ends early at an option that stops it (--help)
// and at a fault; what came before stands in options.
type commandLine struct {
	options  []string // --LONG=ARG each, in order
	operands []string
	stop     *Option // the option that stopped it
	fault    string  // getopt's complaint, without the program's name
}

// getopt reads a command line as getopt_long(3) of the GNU C library does:
// operands may stand between options, letters may be joined, a long name may be
// cut short as long as one option only begins so, and "--" ends the options.
// table holds the options in the order in which candidates are listed.
func getopt(table []Option, args []string) commandLine {
	p := parser{table: table, args: args}
	for len(p.args) > 0 && p.line.fault == "" && p.line.stop == nil {
		arg := p.next()
		switch {
		case arg == "--":
			p.line.operands = append(p.line.operands, p.args...)
			p.args = nil
		case strings.HasPrefix(arg, "--"):
			p.long(arg[2:])
		case len(arg) > 1 && arg[0] == '-':
			p.cluster(arg[1:])
		default:
			p.line.operands = append(p.line.operands, arg)
		}
	}
	return p.line
}

// A parser is the state of one getopt.
type parser struct {
	table []Option
	args  []string // not looked at yet
	line  commandLine
}

func (p *parser) next() string {
	arg := p.args[0]
	p.args = p.args[1:]
	return arg
}

// take notes an option that was met.
func (p *parser) take(o *Option, arg string) {
	if o.stop {
		p.line.stop = o
		return
	}
	p.line.options = append(p.line.options, "--"+o.Long+"="+arg)
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
		p.line.fault = "option '--" + o.Long + "' doesn't allow an argument"
	case o.Arg == Required && !glued && len(p.args) == 0:
		p.line.fault = "option '--" + o.Long + "' requires an argument"
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
		p.line.fault = "unrecognized option '--" + word + "'"
		return nil
	case 1:
		return candidates[0]
	}
	p.line.fault = "option '--" + word + "' is ambiguous; possibilities:"
	for _, o := range candidates {
		p.line.fault += " '--" + o.Long + "'"
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
	for letters != "" && p.line.stop == nil {
		letter := letters[0]
		letters = letters[1:]
		i := slices.IndexFunc(p.table, func(o Option) bool { return o.Short == letter && letter != 0 })
		switch {
		case i < 0:
			p.line.fault = "invalid option -- '" + string([]byte{letter}) + "'"
			return
		case p.table[i].Arg == None:
			p.take(&p.table[i], "")
			continue
		case letters == "" && p.table[i].Arg == Required && len(p.args) == 0:
			p.line.fault = "option requires an argument -- '" + string([]byte{letter}) + "'"
		case letters == "" && p.table[i].Arg == Required:
			p.take(&p.table[i], p.next())
		default:
			p.take(&p.table[i], letters)
		}
		return
	}
}
