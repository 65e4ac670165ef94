package tool

import (
	"errors"
	"flag"
	"strconv"

	"github.com/urfave/cli/v2"

	"gantry/pkg/getopt"
)

// The kinds of options, as getopt_long(3) knows them.
const (
	None     = getopt.None
	Required = getopt.Required
	Optional = getopt.Optional
)

// An Option is one option of a tool. The functions Bool, String ... make one
// that stores into a variable, so that a tool's table of options fills its
// struct of options.
type Option struct {
	getopt.Option

	// Set takes the argument; it is empty for an option without one. A nil Set
	// gives a common option a letter (-f for --rcfile).
	Set func(arg string) error
}

var _ cli.Flag = (*Option)(nil)

// Names is part of cli.Flag. Letters never reach urfave/cli: getopt has turned
// them into long names.
func (o *Option) Names() []string { return []string{o.Long} }

// String is part of cli.Flag.
func (o *Option) String() string { return "--" + o.Long }

// IsSet is part of cli.Flag; values are in the tool's own variables.
func (o *Option) IsSet() bool { return false }

// Apply is part of cli.Flag.
func (o *Option) Apply(set *flag.FlagSet) error {
	if o.Set != nil {
		set.Func(o.Long, "", o.Set)
	}
	return nil
}

// Bool is an option without an argument; given, it sets v.
func Bool(long string, short byte, v *bool) Option {
	return Func(long, short, None, func(string) error {
		*v = true
		return nil
	})
}

// String is an option whose last argument wins.
func String(long string, short byte, v *string) Option {
	return Func(long, short, Required, func(arg string) error {
		*v = arg
		return nil
	})
}

// Strings is an option that may be repeated.
func Strings(long string, short byte, v *[]string) Option {
	return Func(long, short, Required, func(arg string) error {
		*v = append(*v, arg)
		return nil
	})
}

// Int is an option with a number, as strtol(3) reads it: 0x and 0 are the
// prefixes of bases 16 and 8.
func Int(long string, short byte, v *int) Option {
	return Func(long, short, Required, func(arg string) error {
		n, err := strconv.ParseInt(arg, 0, strconv.IntSize)
		if err != nil {
			return errors.New("not a number")
		}
		*v = int(n)
		return nil
	})
}

// Func is an option whose argument set reads. The error of set is what is wrong
// with the argument, in a few words.
func Func(long string, short byte, arg getopt.Arg, set func(arg string) error) Option {
	return Option{getopt.Option{Long: long, Short: short, Arg: arg}, set}
}
