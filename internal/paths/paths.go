// Package paths knows where Gantry's own files are.
//
// A tool lives in a tree: PREFIX/bin holds the tools, PREFIX/libexec/lxc the
// helpers, PREFIX/share/lxc templates, configurations and hooks. The tree is
// found from the running binary, so that a copy under /opt works beside an
// installed LXC, and so that no environment variable can point a privileged
// tool at somebody else's helper:
//
//   - DIR/../libexec/lxc/lxc-shim stands beside the binary's DIR: that prefix;
//   - DIR/lxc-shim does: a checkout, with templates/ beside DIR, and .cache/config,
//     which `make build` fills from etc/config;
//   - neither: the prefix compiled in. A binary bind-mounted over
//     /usr/bin/lxc-start is of this kind.
//
// Files of the host (/etc, /var) are where they were compiled in or, for an
// ordinary user, below the home directory, as in LXC.
package paths

import (
	"os"
	"path"
	"runtime"
	"strings"
)

// The linker sets these: -X gantry/internal/paths.prefix=/opt/gantry.
var (
	prefix        = "/usr"
	sysconfdir    = "/etc"
	localstatedir = "/var"
)

// Paths are the places of one installation as one user sees it.
type Paths struct {
	Prefix      string // root of the tree; in a checkout the directory above bin
	Libexec     string // lxc-shim, lxc-stage, lxc-net
	Templates   string // lxc-NAME programs and NAME.toml recipes
	Config      string // common.conf and the like (LXCTEMPLATECONFIG)
	Hooks       string // LXCHOOKDIR
	RootfsMount string // lxc.rootfs.mount unless configured; a checkout's may have to be made

	SystemConfig  string // lxc.conf
	DefaultConfig string // default.conf
	LXCPath       string // directory of containers, unless lxc.conf or -P say otherwise
	RunDir        string // RT: locks and monitord's fifo lie below RunDir/lxc; it may have to be made
	LogDir        string // root's log files
	Cache         string // downloads, AppArmor's compiled profiles
	Usernet       string // who may have how many network devices
	Nics          string // and who has them
}

// Find gives the places of the running binary for its effective user.
func Find() *Paths {
	p := &Paths{
		LogDir:  localstatedir + "/log/lxc",
		Cache:   localstatedir + "/cache/lxc",
		Usernet: sysconfdir + "/lxc/lxc-usernet",
		Nics:    "/run/lxc/nics",
	}
	// A tool that cannot read its own link (no /proc) is an installed one.
	exe, _ := os.Readlink("/proc/self/exe")
	p.tree(path.Dir(exe))
	p.user(os.Geteuid(), os.Getenv("HOME"), os.Getenv("XDG_RUNTIME_DIR"))
	return p
}

// tree fills in what depends on dir, where the binary lies.
func (p *Paths) tree(dir string) {
	own := strings.TrimSuffix(dir, "/libexec/lxc")
	if own == dir { // not a helper, which lies in libexec itself
		own = path.Dir(dir)
	}
	switch {
	case exists(own + "/libexec/lxc/lxc-shim"):
		p.install(own)
	case exists(dir + "/lxc-shim"):
		p.Prefix = own
		p.Libexec = dir
		p.Templates = own + "/templates"
		p.Config = own + "/.cache/config" // etc/config as the Makefile has filled it in
		p.Hooks = own + "/hooks"
		p.RootfsMount = "/run/lxc/rootfs"
	default:
		p.install(prefix)
	}
}

// install fills in the places of an installed tree.
func (p *Paths) install(prefix string) {
	p.Prefix = prefix
	p.Libexec = prefix + "/libexec/lxc"
	p.Templates = prefix + "/share/lxc/templates"
	p.Config = prefix + "/share/lxc/config"
	p.Hooks = prefix + "/share/lxc/hooks"
	p.RootfsMount = prefix + "/lib/" + triplet(runtime.GOARCH) + "/lxc/rootfs"
}

// user fills in what depends on who runs the tool. An empty home is the root
// directory, as in LXC.
func (p *Paths) user(uid int, home, runtimeDir string) {
	if uid == 0 {
		p.SystemConfig = sysconfdir + "/lxc/lxc.conf"
		p.DefaultConfig = sysconfdir + "/lxc/default.conf"
		p.LXCPath = localstatedir + "/lib/lxc"
		p.RunDir = "/run"
		return
	}
	p.SystemConfig = home + "/.config/lxc/lxc.conf"
	p.DefaultConfig = home + "/.config/lxc/default.conf"
	p.LXCPath = home + "/.local/share/lxc"
	p.RunDir = runtimeDir
	if runtimeDir == "" {
		p.RunDir = home + "/.cache/lxc/run"
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// triplets are Debian's names of the architectures: libraries lie in lib/TRIPLET.
var triplets = [...]struct{ arch, triplet string }{
	{"386", "i386-linux-gnu"},
	{"amd64", "x86_64-linux-gnu"},
	{"arm", "arm-linux-gnueabihf"},
	{"arm64", "aarch64-linux-gnu"},
	{"loong64", "loongarch64-linux-gnu"},
	{"mips64le", "mips64el-linux-gnuabi64"},
	{"ppc64le", "powerpc64le-linux-gnu"},
	{"riscv64", "riscv64-linux-gnu"},
	{"s390x", "s390x-linux-gnu"},
}

func triplet(arch string) string {
	for _, t := range triplets {
		if t.arch == arch {
			return t.triplet
		}
	}
	return arch + "-linux-gnu"
}
