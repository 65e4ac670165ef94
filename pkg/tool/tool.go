// Package tool is what the command-line tools share: LXC's command line, the
// options every tool has, the log, and the only place that turns an error into
// text and an exit code.
//
// The command line is urfave/cli's, behind getopt, which turns whatever
// getopt_long(3) accepts into the one form --LONG=ARG. A tool is a Spec, which
// says what it takes, and a function that does its work:
//
//	func main() {
//		var kill bool
//		tool.Main(tool.Spec{
//			Name:    "lxc-stop",
//			Options: []tool.Option{tool.Bool("kill", 'k', &kill)},
//		}, func(call *tool.Call) error {
//			...
//		})
//	}
package tool

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"gantry/internal/log"
	"gantry/internal/paths"
	_ "gantry/internal/warm"
	"gantry/pkg/config"
	"gantry/pkg/container"
	"gantry/pkg/getopt"
)

// Version is the version of LXC the tools are compatible with. Scripts read its
// digits, so it is what --version prints.
const Version = "7.0.0"

// A Spec describes a tool: what it is called, what it takes, what its help says.
type Spec struct {
	Name     string   // lxc-stop
	Synopsis string   // what follows the name in the help's first line
	Help     string   // the help between that line and the common options
	Options  []Option // the tool's own, in LXC's order
	MoreHelp func()   // what --help shows in addition; nil for nothing

	Nameless   bool // the tool takes no container name from its operands and needs none
	InheritFDs bool // a command of the caller's receives his descriptors above 2
	NeedsPath  bool // an ordinary user must have access to the directory of containers
}

// A Call is one run of a tool as the common options describe it.
type Call struct {
	Spec     Spec
	Name     string       // of the container
	LXCPath  string       // directory of containers: -P, else lxc.conf's, else the default
	RCFile   string       // --rcfile
	Operands []string     // what is not an option, without the name
	Quiet    bool         // -q
	Listen   int          // how many descriptors of socket activation there are, from 3 on
	LogFile  string       // where -o leads; empty without -o
	Log      *log.Logger  // the tool's log
	Paths    *paths.Paths // where Gantry's files are
	System   *config.System

	Stdout, Stderr io.Writer

	common common
}

// Main runs a tool and exits. The first thing it does is to make the descriptors
// the caller left open close-on-exec, so that no helper, hook or container
// receives them.
func Main(spec Spec, run func(*Call) error) {
	call := newCall(spec, os.Stdout, os.Stderr)
	if !spec.InheritFDs {
		var err error
		if call.Listen, err = guardDescriptors(); err != nil {
			os.Exit(call.report(err))
		}
	}
	os.Exit(call.execute(os.Args, run))
}

func newCall(spec Spec, stdout, stderr io.Writer) *Call {
	return &Call{
		Spec:   spec,
		Log:    &log.Logger{Prog: spec.Name, Level: log.Error, Stderr: stderr},
		Stdout: stdout,
		Stderr: stderr,
	}
}

// execute does what argv asks for and gives the exit code.
func (c *Call) execute(argv []string, run func(*Call) error) int {
	table := append(c.Spec.Options[:len(c.Spec.Options):len(c.Spec.Options)], c.commonOptions()...)
	line, options := parse(table, argv[1:])

	app := cli.App{
		Name:     c.Spec.Name,
		HideHelp: true,
		Action: func(*cli.Context) error {
			if len(c.common.lxcpaths) > 1 {
				return errTooManyPaths
			}
			if line.Stop != nil || line.Fault != "" {
				return c.stopped(argv[0], line, table)
			}
			if err := c.prepare(line.Operands); err != nil {
				return err
			}
			return run(c)
		},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return usageError{err} },
		ExitErrHandler: func(*cli.Context, error) {}, // report does it
	}
	for i := range table {
		app.Flags = append(app.Flags, &table[i])
	}
	return c.report(app.Run(append(argv[:1:1], options...)))
}

// parse reads the command line, and writes its options in one form: --LONG=ARG.
func parse(table []Option, args []string) (line getopt.Line, options []string) {
	known := make([]getopt.Option, len(table))
	for i := range table {
		known[i] = table[i].Option
	}
	line = getopt.Parse(known, args)
	for _, f := range line.Options {
		options = append(options, "--"+f.Option.Long+"="+f.Arg)
	}
	return line, options
}

// stopped answers a command line that asks for help, or has a fault.
func (c *Call) stopped(argv0 string, line getopt.Line, table []Option) error {
	if line.Fault != "" {
		io.WriteString(c.Stderr, argv0+": "+line.Fault+"\n")
		c.help()
		return Exit{Code: 1}
	}
	switch {
	case line.Stop.Long == "version":
		io.WriteString(c.Stdout, Version+"\n")
	case line.Stop.Long == "usage":
		c.usage(table)
	case line.Stop.Short == '?':
		c.help()
		return Exit{Code: 1} // getopt cannot tell -? from a letter it does not know
	default:
		c.help()
		if c.Spec.MoreHelp != nil {
			c.Spec.MoreHelp()
		}
	}
	return nil
}

// prepare completes the call from the common options.
func (c *Call) prepare(operands []string) error {
	c.Name, c.Operands = c.common.name, operands
	if !c.common.named && !c.Spec.Nameless {
		if len(operands) == 0 {
			return errNoName
		}
		c.Name, c.Operands = operands[0], operands[1:]
	}
	c.Paths = paths.Find()
	if err := c.findLXCPath(); err != nil {
		return err
	}
	if c.RCFile != "" {
		absolute, err := filepath.Abs(c.RCFile)
		if err != nil {
			return err
		}
		c.RCFile = absolute
	}
	if err := c.openLog(); err != nil {
		return err
	}
	return c.checkAccess()
}

// Open gives the container the call is about.
func (c *Call) Open() (*container.Container, error) {
	opened := &container.Container{
		Name:    c.Name,
		LXCPath: c.LXCPath,
		RCFile:  c.RCFile,
		LogFile: c.LogFile,
		Log:     c.Log,
		Paths:   c.Paths,
		System:  c.System,
	}
	return opened, opened.Open()
}

// findLXCPath settles the directory of containers. A relative -P is made
// absolute: who hears of it later has another working directory. An absolute
// one stays as typed, because the name of the command socket is made of it.
func (c *Call) findLXCPath() (err error) {
	if c.System, err = config.LoadSystem(c.Paths); err != nil {
		return err
	}
	if len(c.common.lxcpaths) == 0 {
		c.LXCPath = c.System.LXCPath()
		return nil
	}
	path := c.common.lxcpaths[0]
	if path != "" && !filepath.IsAbs(path) {
		path, err = filepath.Abs(path)
	}
	if path = strings.TrimRight(path, "/"); path == "" {
		path = "/"
	}
	c.LXCPath = path
	return err
}
