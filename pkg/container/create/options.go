package create

// Options says how Container makes a container. Fields left empty take the
// value of the system configuration (lxc.conf) or LXC's default.
type Options struct {
	Template     string   // NAME, /abs/path of a template program, or none
	TemplateArgs []string // what follows -- on the command line
	Config       string   // -f: the initial configuration; empty for lxc.default_config
	Types        []string // -B: backing stores to be tried in order; empty is dir
	Dir          string   // --dir: absolute directory of the rootfs

	Quiet bool // -q: the template reads and writes /dev/null
}
