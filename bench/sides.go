package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/tests/rig"
)

// lxcpath is where the containers lie.
const lxcpath = "/var/lib/lxc"

// An act is something timed: a command of one side on one container.
type act string

// The acts of a container's life, in order.
const (
	start  act = "start"
	attach act = "attach true"
	stop   act = "stop -k"
)

// A side is one of the programs that are compared.
type side struct {
	name string
	// command gives the command that carries out an act on a container.
	command func(a act, container string) []string
	network bool // it gives containers a network
	lxc     bool // it is a set of lxc-* tools
	dir     string
	within  func(f func()) // runs f where the side's commands are started from; nil for here
}

// do times an act.
func (s side) do(a act, container string) (took time.Duration, err error) {
	if s.within == nil {
		return timed(s.command(a, container))
	}
	s.within(func() { took, err = timed(s.command(a, container)) })
	return took, err
}

// newLXC is a side that consists of lxc-* tools.
func newLXC(tools rig.Toolset) side {
	tool := func(name string) string { return filepath.Join(tools.Dir, name) }
	return side{
		name: tools.Name, network: true, lxc: true, dir: tools.Dir,
		command: func(a act, container string) []string {
			switch a {
			case attach:
				return []string{tool("lxc-attach"), "-n", container, "--", "/bin/true"}
			case stop:
				return []string{tool("lxc-stop"), "-k", "-n", container}
			}
			return []string{tool("lxc-start"), "-d", "-n", container}
		},
	}
}

// newCrun is crun on the rootfs of the container "plain". It does not work
// with hybrid cgroups, so it is shown cgroup v2 alone and told to use none;
// what it is spared there is in its favour.
func newCrun() (side, error) {
	crun, err := exec.LookPath("crun")
	if err != nil {
		return side{}, err
	}
	bundle := "/run/bundle"
	if err := os.MkdirAll(bundle, 0o755); err != nil {
		return side{}, err
	}
	spec := exec.Command(crun, "spec")
	spec.Dir = bundle
	if out, err := spec.CombinedOutput(); err != nil {
		return side{}, fmt.Errorf("crun spec: %w: %s", err, out)
	}
	if err := editSpec(filepath.Join(bundle, "config.json")); err != nil {
		return side{}, err
	}
	base := []string{crun, "--cgroup-manager=disabled"}
	within, err := unifiedView()
	if err != nil {
		return side{}, err
	}
	s := side{name: "crun", within: within, command: func(a act, container string) []string {
		switch a {
		case attach:
			return append(base, "exec", container, "/bin/true")
		case stop:
			return append(base, "delete", "-f", container)
		}
		return append(base, "run", "-d", "--bundle", bundle, container)
	}}
	for _, a := range []act{start, attach, stop} { // does it work at all?
		if _, err := s.do(a, "probe"); err != nil {
			return side{}, err
		}
	}
	return s, nil
}

// unifiedView gives a way to run functions on a thread whose mount namespace
// has nothing but cgroup v2 at /sys/fs/cgroup.
func unifiedView() (func(f func()), error) {
	work, done := make(chan func()), make(chan error)
	go func() {
		runtime.LockOSThread() // for good: this thread's mounts are its own
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, "")
		}
		done <- err
		for f := range work {
			f()
			done <- nil
		}
	}()
	if err := <-done; err != nil {
		return nil, fmt.Errorf("a view of cgroup v2: %w", err)
	}
	return func(f func()) { work <- f; <-done }, nil
}

// editSpec points an OCI configuration at the rootfs of "plain" and lets its
// process wait without a terminal.
func editSpec(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(data, &spec); err != nil {
		return err
	}
	root, _ := spec["root"].(map[string]any)
	process, _ := spec["process"].(map[string]any)
	if root == nil || process == nil {
		return fmt.Errorf("%s: no root or process", file)
	}
	root["path"], root["readonly"] = lxcpath+"/plain/rootfs", false
	process["terminal"], process["args"] = false, []string{"/bin/sleep", "1000"}
	if data, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// timed runs a command and gives the time until it has ended. Its output is
// shown when it fails.
func timed(args []string) (time.Duration, error) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	// A file, since a pipe would be kept open by what the command leaves running.
	errors, err := os.CreateTemp("/run", "bench-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(errors.Name())
	defer errors.Close()
	began := time.Now()
	process, err := os.StartProcess(args[0], args, &os.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []*os.File{null, null, errors},
	})
	if err != nil {
		return 0, err
	}
	state, err := process.Wait()
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if !state.Success() {
		text, _ := os.ReadFile(errors.Name())
		return 0, fmt.Errorf("%s: %s: %s", strings.Join(args, " "), state, text)
	}
	return took, nil
}
