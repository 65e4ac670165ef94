package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A Toolset is one implementation of the lxc-* tools.
type Toolset struct {
	Name string // "gantry" or "lxc"
	Dir  string // where the tools are
}

// Ours are the tools built from this checkout.
func Ours() Toolset { return Toolset{"gantry", filepath.Join(Checkout(), "bin")} }

// Real is C LXC as the distribution packages it.
func Real() Toolset { return Toolset{"lxc", "/usr/bin"} }

// Build brings bin/ of the checkout up to date. It does nothing inside the
// rig, or when GANTRY_BUILT says that it has been done; a failure ends the
// process.
func Build() {
	if os.Getenv(role) != "" || os.Getenv("GANTRY_BUILT") != "" {
		return
	}
	build := exec.Command("make", "-s", "build")
	build.Dir = Checkout()
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "rig: make build:", err)
		os.Exit(1)
	}
	os.Setenv("GANTRY_BUILT", "1")
}

// Version is what the toolset's lxc-start says its version is, without the
// newline; empty when there is no such tool.
func (t Toolset) Version() string {
	out, err := exec.Command(filepath.Join(t.Dir, "lxc-start"), "--version").Output()
	if err != nil || len(out) == 0 {
		return ""
	}
	return string(out[:len(out)-1])
}

// Shell prepares /bin/sh for a script in which lxc-* means this toolset and
// the helper commands are known.
func (t Toolset) Shell(script string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+t.Path())
	return cmd
}

// Path is the PATH on which lxc-* means this toolset, lxc-net included, with
// the helper commands.
func (t Toolset) Path() string {
	return t.Dir + ":" + filepath.Join(t.Dir, "../libexec/lxc") + ":" + helperDir + ":" + os.Getenv("PATH")
}
