package template

import (
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"gantry/pkg/getopt"
)

// values are the options' values by name; an option without a value is "".
type values map[string]string

var helpOption = Option{Name: "help", Short: "h", Help: "this text"}

func (r *Recipe) all() []Option {
	return append([]Option{helpOption}, r.Options...)
}

// getopt reads a recipe's command line.
func (r *Recipe) getopt(args []string) getopt.Line {
	var table []getopt.Option
	for _, o := range r.all() {
		known := getopt.Option{Long: o.Name, Stop: o.Name == helpOption.Name}
		if o.Short != "" {
			known.Short = o.Short[0]
		}
		if o.Arg != "" {
			known.Arg = getopt.Required
		}
		table = append(table, known)
	}
	return getopt.Parse(table, args)
}

// option is the recipe's own of that name.
func (r *Recipe) option(name string) Option {
	return r.Options[slices.IndexFunc(r.Options, func(o Option) bool { return o.Name == name })]
}

// parse gives the options the values of the command line, or their defaults.
func (r *Recipe) parse(args []string) (v values, help bool, err error) {
	v = values{}
	for _, o := range r.Options {
		v[o.Name] = o.fallback()
	}
	line := r.getopt(args)
	switch {
	case line.Fault != "":
		return nil, false, fmt.Errorf("%s: %s (-- --help lists the options)", r.Name(), line.Fault)
	case len(line.Operands) > 0:
		return nil, false, fmt.Errorf("%s: %q is not an option (-- --help lists the options)", r.Name(), line.Operands[0])
	}
	for _, f := range line.Options {
		o := r.option(f.Option.Long)
		switch {
		case o.Arg == "":
			f.Arg = "yes"
		case o.Pattern != "" && !regexp.MustCompile(`^(?:`+o.Pattern+`)$`).MatchString(f.Arg):
			return nil, false, fmt.Errorf("%s: --%s: %q is no %s (%s)", r.Name(), o.Name, f.Arg, o.Arg, o.Help)
		}
		v[o.Name] = f.Arg
	}
	return v, line.Stop != nil, nil
}

// fallback is the option's default, looked up on the host. A program that is
// not there is missed when it is needed.
func (o Option) fallback() string {
	if program, ok := strings.CutPrefix(o.Default, "program:"); ok {
		path, _ := exec.LookPath(program)
		return path
	}
	if o.Default == "arch" {
		return hostArch()
	}
	return o.Default
}

// debianArch are Debian's names of Go's architectures.
var debianArch = map[string]string{
	"386": "i386", "amd64": "amd64", "arm": "armhf", "arm64": "arm64", "loong64": "loong64",
	"mips64le": "mips64el", "ppc64le": "ppc64el", "riscv64": "riscv64", "s390x": "s390x",
}

func hostArch() string {
	if name, ok := debianArch[runtime.GOARCH]; ok {
		return name
	}
	return runtime.GOARCH
}

// Help writes what the recipe is and takes.
func (r *Recipe) Help(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n\nUsage: lxc-create -n NAME -t %s [lxc-create options] -- [template options]\n\nTemplate options:\n", r.Name(), r.Description, r.Name())
	for _, o := range r.all() {
		left := "    --" + o.Name
		if o.Short != "" {
			left = "-" + o.Short + ", --" + o.Name
		}
		if o.Arg != "" {
			left += "=" + o.Arg
		}
		help := o.Help
		switch {
		case o.Default == "arch":
			help += " (default: the host's, " + hostArch() + ")"
		case strings.HasPrefix(o.Default, "program:"):
			help += " (default: " + strings.TrimPrefix(o.Default, "program:") + " of the host)"
		case o.Default != "":
			help += " (default: " + o.Default + ")"
		}
		fmt.Fprintf(w, "  %-32s %s\n", left, help)
	}
}

// Redact gives a command line as it may be written down: every option in full,
// and without secrets.
func (r *Recipe) Redact(args []string) (options []string) {
	for _, f := range r.getopt(args).Options {
		o := r.option(f.Option.Long)
		text := "--" + o.Name
		switch {
		case o.Secret:
			text += "=***"
		case o.Arg != "":
			text += "=" + f.Arg
		}
		options = append(options, text)
	}
	return options
}
