// Package start starts a container: it makes the plan of its configuration and
// has it carried out. It is a package of its own so that tools which start
// nothing do not link what starting takes.
package start

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gantry/internal/log"
	"gantry/pkg/config"
	"gantry/pkg/container"
	"gantry/pkg/plan"
	"gantry/pkg/plan/compile"
	"gantry/pkg/stage"
)

// Options says how Container starts a container. What they set lies over the
// container's configuration for this run and is not saved.
type Options struct {
	Foreground bool     // -F: this process becomes the shim; Start returns when the container has stopped
	PidFile    string   // -p: holds the shim's pid while the container runs
	Console    string   // -c: lxc.console.path, a tty or none
	ConsoleLog string   // -L: lxc.console.logfile
	Define     []string // -s: KEY=VALUE
	Share      []Share  // --share-KIND
	Listen     int      // how many descriptors of socket activation the init gets, from 3 on
	Command    []string // replaces the init; empty for the configured one
}

// Share is a namespace taken from somewhere else instead of made.
type Share struct {
	Kind string // net ipc uts pid
	From string // container name, pid or path
}

// define sets the keys the options stand for.
func (o Options) define(cfg *config.Config) (err error) {
	set := func(option, definition string) {
		if err == nil {
			err = cfg.Define(option, definition)
		}
	}
	for _, definition := range o.Define {
		set("--define", definition)
	}
	if o.Console != "" {
		set("--console", "lxc.console.path="+o.Console)
	}
	if o.ConsoleLog != "" {
		set("--console-log", "lxc.console.logfile="+o.ConsoleLog)
	}
	for _, s := range o.Share {
		set("--share-"+s.Kind, "lxc.namespace.share."+s.Kind+"="+s.From)
	}
	return err
}

// starting is a start on its way to package stage.
type starting struct {
	*container.Container
	Options
	cfg *config.Config
}

// Container starts the container. With Foreground this process becomes its
// shim and Container does not return if it succeeds: it must be called on the
// main thread, locked to it. Otherwise it returns when the container is
// RUNNING. A container that runs already is container.ErrRunning, one without
// any configuration container.ErrNoConfig.
func Container(c *container.Container, o Options) error {
	s := &starting{Container: c, Options: o}
	var err error
	if s.cfg, err = c.Config(); err != nil {
		return err
	}
	if err := o.define(s.cfg); err != nil {
		return err
	}
	if running, err := c.Running(); err != nil || running {
		return errors.Join(err, only(running, container.ErrRunning))
	}
	if len(o.Define) > 0 {
		if err := s.UseLog(s.cfg); err != nil {
			return err
		}
	}
	if err := s.startable(); err != nil {
		return err
	}
	p, err := s.compile()
	if err != nil {
		return err
	}
	if s.cfg.Monitor.Unshare.V != 0 {
		if err := isolate(); err != nil {
			return err
		}
	}
	listener, err := s.Reserve()
	if err != nil {
		return err
	}
	return stage.Start(p, s.stageOptions(listener))
}

// only gives err if the condition holds.
func only(condition bool, err error) error {
	if condition {
		return err
	}
	return nil
}

// startable refuses to run the host's own init on the host's own files where
// nothing asks for it, as in a file that a full disk has left empty, and sees to
// the mount point of the rootfs.
func (s *starting) startable() error {
	if s.RCFile == "" && !s.Defined() && len(s.Define) == 0 {
		return fmt.Errorf("%w: there is no container %s in %s (create it first, or give --rcfile)", container.ErrNoConfig, s.Name, s.LXCPath)
	}
	if err := s.mountPoint(); err != nil {
		return err
	}
	if s.cfg.Rootfs.Path.V.Path == "" && s.cfg.Init.Cmd.V == "" && len(s.Command) == 0 && s.cfg.Text().Empty() {
		return errors.New("executing /sbin/init without a configuration may crash the host (set lxc.rootfs.path, or give a command)")
	}
	return nil
}

// mountPoint sees to the mount point of the rootfs. One of the user's that is
// missing is refused here, where its line is known, unless a hook may make it.
func (s *starting) mountPoint() error {
	mount := s.cfg.Rootfs.Mount
	if mount.V == s.Paths.RootfsMount {
		// A checkout's, or one below /run, is not there after a boot.
		return os.MkdirAll(mount.V, 0o755)
	}
	if mount.V == "" || s.cfg.Rootfs.Path.V.Path == "" || len(s.cfg.Hooks.PreStart)+len(s.cfg.Hooks.PreMount) > 0 {
		return nil
	}
	if _, err := os.Stat(mount.V); errors.Is(err, fs.ErrNotExist) {
		return &config.Error{Origin: mount.Origin, Err: errors.New(mount.V + " does not exist (create the directory)")}
	}
	return nil
}

// compile makes the plan of the configuration.
func (s *starting) compile() (*plan.Plan, error) {
	options := compile.Options{
		Name: s.Name, LXCPath: s.LXCPath, DefaultLXCPath: s.System.LXCPath(),
		Daemon: !s.Foreground, Argv: s.Command, Kind: plan.RootfsProgram,
		CgroupPattern: s.System.CgroupPattern(s.Name), CgroupUse: s.System.CgroupUse(),
		ReadFile: os.ReadFile, Log: s.Log, LogLevel: log.Error,
		Facts: facts(),
	}
	if s.Log != nil {
		options.LogLevel = s.Log.Level
	}
	if s.RCFile != "" || s.Defined() {
		options.ConfigFile = s.ConfigFile()
	}
	return compile.Plan(s.cfg, options)
}

// facts asks the kernel what the plan depends on.
func facts() compile.Facts {
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	return compile.Facts{
		CgroupNamespaces: exists("/proc/self/ns/cgroup"),
		TimeNamespaces:   exists("/proc/self/ns/time"),
		Unified:          exists("/sys/fs/cgroup/cgroup.controllers"),
	}
}

// stageOptions says who starts the container, and with what.
func (s *starting) stageOptions(listener *os.File) stage.Options {
	options := stage.Options{
		Prog: "lxc-start", Log: s.Log, Listener: listener, Environ: os.Environ(), Listen: s.listenFiles(),
		PidFile: s.PidFile, MonitorFifo: s.Paths.RunDir + "/lxc/" + s.LXCPath + "/monitor-fifo",
		Shim: s.Paths.Libexec + "/lxc-shim", Stage: s.Paths.Libexec + "/lxc-stage", Argv: os.Args,
	}
	if s.Log != nil {
		options.Prog = s.Log.Prog
		options.LogFile, _ = s.Log.File.(*os.File)
		options.Syslog = s.cfg.Log.Syslog.V
	}
	for _, a := range s.cfg.Answers() {
		options.Answers = append(options.Answers, stage.Answer(a))
	}
	return options
}

// listenFiles are the descriptors of socket activation (sd_listen_fds(3)):
// they pass through to the init.
func (s *starting) listenFiles() (files []*os.File) {
	for i := range s.Listen {
		files = append(files, os.NewFile(uintptr(3+i), fmt.Sprint("listen ", 1+i)))
	}
	return files
}
