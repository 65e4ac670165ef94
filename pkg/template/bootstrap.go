package template

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/pkg/forkexec"
)

// A bootstrapping is a Bootstrap with its templates filled in.
type bootstrapping struct {
	suite, arch, variant, mirror, keyring string
	components, packages                  []string
	target                                string
}

// bootstrappers are the programs that can do it, the faster first.
var bootstrappers = []struct {
	name string
	argv func(b bootstrapping) []string
}{
	{"mmdebstrap", bootstrapping.mmdebstrap},
	{"debootstrap", bootstrapping.debootstrap},
}

func (b bootstrapping) mmdebstrap() []string {
	argv := []string{"--mode=root", "--format=directory", "--variant=" + b.variant, "--architectures=" + b.arch}
	return append(argv, b.operands()...)
}

func (b bootstrapping) debootstrap() []string {
	argv := []string{"--arch=" + b.arch}
	if b.variant != "important" { // its default
		argv = append(argv, "--variant="+b.variant)
	}
	argv = append(argv, b.operands()...)
	// A suite younger than the program is made as the development one is.
	const scripts = "/usr/share/debootstrap/scripts/"
	if _, err := os.Stat(scripts + b.suite); err != nil && b.mirror != "" {
		argv = append(argv, scripts+"sid")
	}
	return argv
}

// operands are what both programs take alike.
func (b bootstrapping) operands() (argv []string) {
	if len(b.packages) > 0 {
		argv = append(argv, "--include="+strings.Join(b.packages, ","))
	}
	if len(b.components) > 0 {
		argv = append(argv, "--components="+strings.Join(b.components, ","))
	}
	if b.keyring != "" {
		argv = append(argv, "--keyring="+b.keyring)
	}
	argv = append(argv, b.suite, b.target)
	if b.mirror != "" {
		argv = append(argv, b.mirror)
	}
	return argv
}

// bootstrap fills target.
func (j *job) bootstrap(ctx context.Context, target string) error {
	b, err := j.bootstrapping(target)
	if err != nil {
		return err
	}
	path, argv, err := b.command()
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	done := j.report.begin("installing " + b.suite + " (" + b.arch + ") with " + argv[0])
	err = child{
		path:  path,
		argv:  argv,
		env:   append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"),
		files: [3]*os.File{null},
		inside: func(p *forkexec.Program) {
			p.Call("mount /proc", unix.SYS_MOUNT, p.String("proc"), p.String("/proc"), p.String("proc"), forkexec.Int(0), forkexec.Int(0))
		},
	}.captured(ctx, j.report.line)
	done(err)
	return err
}

// command looks for a bootstrapping program, in the administrator's
// directories too.
func (b bootstrapping) command() (path string, argv []string, err error) {
	var names []string
	for _, candidate := range bootstrappers {
		for _, name := range []string{candidate.name, "/usr/sbin/" + candidate.name} {
			if path, err := exec.LookPath(name); err == nil {
				return path, append([]string{candidate.name}, candidate.argv(b)...), nil
			}
		}
		names = append(names, candidate.name)
	}
	return "", nil, errors.New("neither " + strings.Join(names, " nor ") + " is installed (install one of them)")
}

// bootstrapping fills the templates in and asks the host where it gets its
// packages from.
func (j *job) bootstrapping(target string) (b bootstrapping, err error) {
	r := j.recipe.Bootstrap
	expand := func(what, s string) (out string) {
		if err == nil {
			out, err = j.facts.expand(what, s)
		}
		return out
	}
	b = bootstrapping{
		suite:      expand("suite", r.Suite),
		arch:       expand("arch", r.Arch),
		variant:    expand("variant", r.Variant),
		mirror:     expand("mirror", r.Mirror),
		keyring:    expand("keyring", r.Keyring),
		components: words(expand("components", r.Components)),
		target:     target,
	}
	for _, p := range r.Packages {
		b.packages = append(b.packages, words(expand("packages", p))...)
	}
	security := expand("security_mirror", r.SecurityMirror)
	if err != nil {
		return b, fmt.Errorf("%s: bootstrap: %w", j.recipe.path, err)
	}
	host, hostSecurity := hostMirrors(r.Distribution)
	if b.mirror == "" {
		b.mirror = host
		if security == "" {
			security = hostSecurity
		}
	}
	// Scripts of prepare see what was settled.
	j.env["mirror"], j.env["security_mirror"] = b.mirror, security
	return b, nil
}

// words splits at blanks and commas.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
}
