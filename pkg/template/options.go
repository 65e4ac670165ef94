package template

import (
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// values are the options' values by name; an option without a value is "".
type values map[string]string

// parse reads a recipe's command line as getopt_long(3) does: --name VALUE,
// --name=VALUE, unambiguous beginnings of names, -n VALUE, -nVALUE.
func (r *Recipe) parse(args []string) (v values, help bool, err error) {
	v = values{}
	for _, o := range r.Options {
		v[o.Name] = o.fallback()
	}
	for len(args) > 0 {
		var o *Option
		var value string
		if args[0] == "--" {
			args = args[1:]
			continue
		}
		if o, value, args, err = r.next(args); err != nil {
			return nil, false, fmt.Errorf("%s: %w", r.Name(), err)
		}
		if o.Name == helpOption.Name {
			return nil, true, nil
		}
		v[o.Name] = value
	}
	return v, false, nil
}

// next takes the first option off the command line.
func (r *Recipe) next(args []string) (o *Option, value string, rest []string, err error) {
	arg, rest := args[0], args[1:]
	glued := false
	switch {
	case strings.HasPrefix(arg, "--"):
		var name string
		name, value, glued = strings.Cut(arg[2:], "=")
		o, err = r.long(name)
	case len(arg) > 1 && arg[0] == '-':
		value, glued = arg[2:], len(arg) > 2
		if o, err = r.short(arg[1:2]); err == nil && o.Arg == "" && glued { // a cluster
			rest, glued = append([]string{"-" + value}, rest...), false
		}
	default:
		err = fmt.Errorf("%q is not an option", arg)
	}
	switch {
	case err != nil:
		return nil, "", nil, err
	case o.Arg == "" && glued:
		return nil, "", nil, fmt.Errorf("--%s takes no argument", o.Name)
	case o.Arg == "":
		return o, "yes", rest, nil
	case !glued && len(rest) == 0:
		return nil, "", nil, fmt.Errorf("--%s needs an argument", o.Name)
	case !glued:
		value, rest = rest[0], rest[1:]
	}
	if o.Pattern != "" && !regexp.MustCompile(`^(?:`+o.Pattern+`)$`).MatchString(value) {
		return nil, "", nil, fmt.Errorf("--%s: %q is no %s (%s)", o.Name, value, o.Arg, o.Help)
	}
	return o, value, rest, nil
}

var helpOption = Option{Name: "help", Short: "h", Help: "this text"}

func (r *Recipe) long(name string) (*Option, error) {
	var found []*Option
	for _, o := range r.all() {
		if o.Name == name {
			return &o, nil
		}
		if strings.HasPrefix(o.Name, name) {
			found = append(found, &o)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("unknown or ambiguous option --%s (-- --help lists the options)", name)
	}
	return found[0], nil
}

func (r *Recipe) short(letter string) (*Option, error) {
	for _, o := range r.all() {
		if o.Short == letter {
			return &o, nil
		}
	}
	return nil, fmt.Errorf("unknown option -%s (-- --help lists the options)", letter)
}

func (r *Recipe) all() []Option {
	return append([]Option{helpOption}, r.Options...)
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

// Redact gives the command line as it may be written down: without secrets.
func (r *Recipe) Redact(args []string) (out []string) {
	for len(args) > 0 {
		o, value, rest, err := r.next(args)
		var words []string
		switch {
		case err != nil:
			words, rest = args[:1], args[1:]
		case len(rest) == len(args): // the first of a cluster
			words = []string{args[0][:2]}
		default:
			words = slices.Clone(args[:len(args)-len(rest)])
			if o.Secret {
				last := &words[len(words)-1]
				*last = strings.TrimSuffix(*last, value) + "***"
			}
		}
		out, args = append(out, words...), rest
	}
	return out
}
