package template

import (
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// values are the options' values by name; an option without a value is "".
type values map[string]string

// parse reads a recipe's command line as getopt_long(3) does: --name VALUE,
// --name=VALUE, unambiguous beginnings of names, -n VALUE, -nVALUE.
func (r *Recipe) parse(args []string) (v values, help bool, err error) {
	v = values{}
	for _, o := range r.Options {
		if v[o.Name], err = o.value(); err != nil {
			return nil, false, err
		}
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var o *Option
		value, glued := "", false
		switch {
		case arg == "--":
			continue
		case strings.HasPrefix(arg, "--"):
			var name string
			name, value, glued = strings.Cut(arg[2:], "=")
			if o, err = r.long(name); err != nil {
				return nil, false, err
			}
		case len(arg) > 1 && arg[0] == '-':
			if o, err = r.short(arg[1:2]); err != nil {
				return nil, false, err
			}
			if value = arg[2:]; value != "" && o.Arg == "" {
				args = append([]string{"-" + value}, args...) // a cluster
				value = ""
			}
			glued = value != ""
		default:
			return nil, false, fmt.Errorf("%s: %q is not an option", r.Name(), arg)
		}
		if o.Name == "help" {
			return nil, true, nil
		}
		if o.Arg == "" {
			if glued {
				return nil, false, fmt.Errorf("%s: --%s takes no argument", r.Name(), o.Name)
			}
			v[o.Name] = "yes"
			continue
		}
		if !glued {
			if len(args) == 0 {
				return nil, false, fmt.Errorf("%s: --%s needs an argument", r.Name(), o.Name)
			}
			value, args = args[0], args[1:]
		}
		if !regexp.MustCompile(`^(?:`+o.Pattern+`)$`).MatchString(value) && o.Pattern != "" {
			return nil, false, fmt.Errorf("%s: --%s: %q is not %s", r.Name(), o.Name, value, o.Help)
		}
		v[o.Name] = value
	}
	return v, false, nil
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
		return nil, fmt.Errorf("%s: unknown or ambiguous option --%s (-- --help lists the options)", r.Name(), name)
	}
	return found[0], nil
}

func (r *Recipe) short(letter string) (*Option, error) {
	for _, o := range r.all() {
		if o.Short == letter {
			return &o, nil
		}
	}
	return nil, fmt.Errorf("%s: unknown option -%s (-- --help lists the options)", r.Name(), letter)
}

func (r *Recipe) all() []Option {
	return append([]Option{helpOption}, r.Options...)
}

// value is the option's default, looked up on the host.
func (o Option) value() (string, error) {
	if program, ok := strings.CutPrefix(o.Default, "program:"); ok {
		path, err := exec.LookPath(program)
		if err != nil {
			return "", nil // an error only if it is needed
		}
		return path, nil
	}
	if o.Default == "arch" {
		return hostArch(), nil
	}
	return o.Default, nil
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
func (r *Recipe) Redact(args []string) []string {
	out := append([]string(nil), args...)
	for i, arg := range out {
		name, _, glued := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		var o *Option
		switch {
		case strings.HasPrefix(arg, "--"):
			o, _ = r.long(name)
		case len(arg) > 1 && arg[0] == '-':
			o, _ = r.short(arg[1:2])
			name, glued = arg[1:2], len(arg) > 2
		}
		switch {
		case o == nil || !o.Secret:
		case !glued && i+1 < len(out):
			out[i+1] = "***"
		case strings.HasPrefix(arg, "--"):
			out[i] = "--" + name + "=***"
		default:
			out[i] = "-" + name + "***"
		}
	}
	return out
}
