// Package template fills new containers from recipes.
//
// A recipe is a TOML file, templates/NAME.toml: the options its user may give,
// how a file tree is bootstrapped, the steps that make a container of it, and
// the configuration to add. The comments of the fields of [Recipe] are the
// manual of the format. What is the same for every container is done once,
// in a cache:
//
//	[bootstrap] ──> [[prepare]] ──> CACHE/RECIPE/rootfs-KEY ──copy──> [[step]] ──> rootfs, config
//	└──────── once for a KEY ─────┘                      └── for each container ──┘
//
// Strings of a recipe are Go templates (text/template) over the values of the
// options, hyphens in their names written as underscores, and name, path, rootfs,
// config and hooks (directories) and idmap (whether there is one). Scripts are not expanded: they find the options
// in their environment, so that no value can become code.
package template

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// A Recipe is a recipe as its file spells it.
type Recipe struct {
	Description string     // one line for the head of the help
	Options     []Option   `toml:"option"`
	Bootstrap   *Bootstrap `toml:"bootstrap"` // where the file tree comes from; without it steps begin with nothing
	Prepare     []Step     `toml:"prepare"`   // steps on the cached tree
	Steps       []Step     `toml:"step"`      // steps on each container
	Config      string     // template: lines for the container's configuration
	Note        string     // template: what the user is told at the end; empty for nothing

	path string
}

// An Option is what a user may give behind -- on lxc-create's command line.
type Option struct {
	Name    string // of --NAME
	Short   string // one letter; empty for none
	Arg     string // what the argument is called in the help; empty for an option without argument, whose value is yes
	Default string // arch stands for the host's architecture; program:NAME for the path of a program of the host
	Help    string
	Pattern string // regular expression the whole value must match
	Cache   bool   // the cached tree depends on it
	Secret  bool   // not to be written into the container's configuration
}

// A Bootstrap makes a Debian-like file tree with mmdebstrap or debootstrap.
type Bootstrap struct {
	Distribution   string   // ID of os-release(5); a host of the same kind lends its mirror
	Suite          string   // template
	Arch           string   // template
	Variant        string   // template
	Mirror         string   // template; empty for the host's, else the program's own default
	SecurityMirror string   `toml:"security_mirror"` // template; empty for the host's, if it has one
	Keyring        string   // template; empty for the program's default
	Components     string   // template; separated by blanks
	Packages       []string // templates; each may hold several names, separated by commas or blanks
}

// A Step is one change of a file tree. It does one of Dir, File, Link, Copy and
// Run. Missing directories above are made; what is at the place gives way.
type Step struct {
	When  string // name of an option that must have a value; "!NAME": must have none
	Title string // what is shown while it lasts; empty for nothing

	Dir  string // template: a directory
	File string // template: a file with Content

	Content string // template

	Link   string // template: a symbolic link to Target
	Target string // template

	Copy string // template: a file of the host, copied to To
	To   string // template

	Static string // Copy must be a statically linked program; what to do where it is none

	Run string // script for /bin/sh inside the tree, stopped at the first error

	Mode string // octal; 0755 for directories, 0644 for files by default
}

// Load reads a recipe and checks it.
func Load(path string) (*Recipe, error) {
	r := &Recipe{path: path}
	meta, err := toml.DecodeFile(path, r)
	if err != nil {
		var parse toml.ParseError
		if errors.As(err, &parse) {
			return nil, fmt.Errorf("%s:%d: %s", path, parse.Position.Line, parse.Message)
		}
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("%s: %s: unknown key", path, unknown[0])
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Name is the recipe's, without .toml.
func (r *Recipe) Name() string { return strings.TrimSuffix(filepath.Base(r.path), ".toml") }

func (r *Recipe) check() error {
	seen := map[string]bool{}
	for _, name := range []string{"help", "h", "name", "path", "rootfs", "config", "hooks", "idmap"} {
		seen[name] = true
	}
	for _, o := range r.Options {
		if o.Name == "" || seen[o.Name] || o.Short != "" && (len(o.Short) > 1 || seen[o.Short]) {
			return fmt.Errorf("option %q: its name is missing or taken", o.Name)
		}
		seen[o.Name], seen[o.Short] = true, o.Short != ""
		if _, err := regexp.Compile(o.Pattern); err != nil {
			return fmt.Errorf("option %s: pattern: %w", o.Name, err)
		}
	}
	for what, steps := range map[string][]Step{"prepare": r.Prepare, "step": r.Steps} {
		for i, s := range steps {
			if err := s.check(seen); err != nil {
				return fmt.Errorf("%s %d: %w", what, i+1, err)
			}
		}
	}
	if len(r.Prepare) > 0 && r.Bootstrap == nil {
		return errors.New("prepare needs a bootstrap")
	}
	return nil
}

func (s Step) check(options map[string]bool) error {
	verbs := 0
	for _, v := range []string{s.Dir, s.File, s.Link, s.Copy, s.Run} {
		if v != "" {
			verbs++
		}
	}
	if verbs != 1 {
		return errors.New("exactly one of dir, file, link, copy and run is needed")
	}
	if (s.Link == "") != (s.Target == "") || (s.Copy == "") != (s.To == "") {
		return errors.New("link needs target, copy needs to")
	}
	if s.Static != "" && s.Copy == "" {
		return errors.New("static needs copy")
	}
	if when := strings.TrimPrefix(s.When, "!"); when != "" && !options[when] {
		return fmt.Errorf("when: there is no option %s", when)
	}
	if _, err := s.mode(0); err != nil {
		return err
	}
	return nil
}

// mode is the step's, or def.
func (s Step) mode(def os.FileMode) (os.FileMode, error) {
	if s.Mode == "" {
		return def, nil
	}
	var m uint32
	if _, err := fmt.Sscanf(s.Mode, "%o", &m); err != nil || m > 0o7777 {
		return 0, fmt.Errorf("mode: %q is not an octal mode", s.Mode)
	}
	return fileMode(m), nil
}

// fileMode turns chmod(2)'s bits into Go's.
func fileMode(m uint32) os.FileMode {
	mode := os.FileMode(m & 0o777)
	for bit, flag := range map[uint32]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if m&bit != 0 {
			mode |= flag
		}
	}
	return mode
}
