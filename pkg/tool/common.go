package tool

import (
	"io"
	"strings"

	"gantry/pkg/getopt"
)

// common are the common options as they were typed.
type common struct {
	name     string
	named    bool // -n was given, though it may be empty
	logFile  string
	logLevel string
	lxcpaths []string
}

// commonOptions are what every tool takes, after its own options. The two rows
// of help are LXC's: they differ in the exit code.
func (c *Call) commonOptions() []Option {
	stop := func(long string, short byte) Option {
		return Option{Option: getopt.Option{Long: long, Short: short, Stop: true}}
	}
	return []Option{
		Func("name", 'n', Required, func(arg string) error {
			c.common.name, c.common.named = arg, true
			return nil
		}),
		stop("help", 'h'),
		stop("help", '?'),
		stop("usage", 0),
		stop("version", 0),
		Bool("quiet", 'q', &c.Quiet),
		String("logfile", 'o', &c.common.logFile),
		String("logpriority", 'l', &c.common.logLevel),
		Strings("lxcpath", 'P', &c.common.lxcpaths),
		String("rcfile", 0, &c.RCFile),
	}
}

const commonHelp = `
Common options :
  -o, --logfile=FILE               Write log lines to FILE; "none" for nowhere
  -l, --logpriority=LEVEL          Log what is at least as urgent as LEVEL
  -q, --quiet                      Print nothing
  -P, --lxcpath=PATH               Look for containers in the directory PATH
  -?, --help                       Print this help
      --usage                      Print the options alone
      --version                    Print the version of LXC this tool is like

Where a long option needs or allows an argument, so does the letter that
stands for it.

`

// help prints the tool's help.
func (c *Call) help() {
	io.WriteString(c.Stderr, "Usage: "+c.Spec.Name+" "+c.Spec.Synopsis+"\n\n"+
		c.Spec.Help+commonHelp)
}

// perLine is how many options --usage prints in a line.
const perLine = 4

// usage prints the options, as LXC does down to the blanks.
func (c *Call) usage(table []Option) {
	var b strings.Builder
	b.WriteString("Usage: " + c.Spec.Name + " ")
	for i, o := range table {
		b.WriteByte('[')
		if o.Short != 0 {
			b.WriteString("-" + string(rune(o.Short)) + "|")
		}
		b.WriteString("--" + o.Long)
		value := "=" + strings.ToUpper(o.Long)
		switch o.Arg {
		case Required:
			b.WriteString(value)
		case Optional:
			b.WriteString("[" + value + "]")
		}
		b.WriteString("] ")
		if (i+1)%perLine == 0 {
			b.WriteString("\n\t")
		}
	}
	io.WriteString(c.Stderr, b.String()+"\n")
}
