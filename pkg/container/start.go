package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"gantry/internal/log"
	"gantry/pkg/command"
	"gantry/pkg/config"
	"gantry/pkg/plan"
	"gantry/pkg/plan/compile"
	"gantry/pkg/stage"
)

// StartOptions says how Start starts a container. What they set lies over the
// container's configuration for this run and is not saved.
type StartOptions struct {
	Foreground bool     // -F: this process becomes the shim; Start returns when the container has stopped
	PidFile    string   // -p: holds the shim's pid while the container runs
	Console    string   // -c: lxc.console.path, a tty or none
	ConsoleLog string   // -L: lxc.console.logfile
	Define     []string // -s: KEY=VALUE
	Share      []Share  // --share-KIND
	Command    []string // replaces the init; empty for the configured one
}

// Share is a namespace taken from somewhere else instead of made.
type Share struct {
	Kind string // net ipc uts pid
	From string // container name, pid or path
}

// define gives the options as lines of configuration.
func (o StartOptions) define() []string {
	lines := append([]string(nil), o.Define...)
	if o.Console != "" {
		lines = append(lines, "lxc.console.path="+o.Console)
	}
	if o.ConsoleLog != "" {
		lines = append(lines, "lxc.console.logfile="+o.ConsoleLog)
	}
	for _, s := range o.Share {
		lines = append(lines, "lxc.namespace.share."+s.Kind+"="+s.From)
	}
	return lines
}

// Start starts the container. With Foreground this process becomes its shim
// and Start does not return if it succeeds: it must be called on the main
// thread, locked to it. Otherwise it returns when the container is RUNNING. A
// container that runs already is ErrRunning, one without any configuration
// ErrNoConfig.
func Start(c *Container, o StartOptions) error {
	cfg, err := c.Config()
	if err != nil {
		return err
	}
	for _, line := range o.define() {
		if err := cfg.Define(line); err != nil {
			return err
		}
	}
	if running, err := c.Running(); err != nil || running {
		return errors.Join(err, only(running, ErrRunning))
	}
	if err := c.startable(cfg, o); err != nil {
		return err
	}
	p, err := c.compile(cfg, o)
	if err != nil {
		return err
	}
	listener, err := c.reserve()
	if err != nil {
		return err
	}
	return stage.Start(p, c.stageOptions(cfg, p, listener, o))
}

// only gives err if the condition holds.
func only(condition bool, err error) error {
	if condition {
		return err
	}
	return nil
}

// startable refuses to run the host's own init on the host's own files, and
// sees to the mount point of the rootfs.
func (c *Container) startable(cfg *config.Config, o StartOptions) error {
	if c.RCFile == "" && !c.Defined() && len(o.Define) == 0 {
		return ErrNoConfig
	}
	if cfg.Rootfs.Mount.V == c.Paths.RootfsMount {
		// A checkout's, or one below /run, is not there after a boot.
		if err := os.MkdirAll(c.Paths.RootfsMount, 0o755); err != nil {
			return err
		}
	}
	if cfg.Rootfs.Path.V.Path == "" && len(o.Command) == 0 && c.RCFile == "" && !c.Defined() {
		return errors.New("executing /sbin/init without a configuration file may crash the host (give -f FILE, or a command)")
	}
	return nil
}

// reserve binds the command socket. A shim that has announced its end frees it
// a moment later; who asks for its state meanwhile waits for that moment.
func (c *Container) reserve() (*os.File, error) {
	const patience = 2 * time.Second
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		listener, err := command.Listen(c.LXCPath, c.Name)
		if !errors.Is(err, command.ErrInUse) {
			return listener, err
		}
		if running, _ := c.Running(); running || time.Since(began) > patience {
			return nil, ErrRunning
		}
	}
}

// compile makes the plan of the configuration.
func (c *Container) compile(cfg *config.Config, o StartOptions) (*plan.Plan, error) {
	options := compile.Options{
		Name: c.Name, LXCPath: c.LXCPath, DefaultLXCPath: c.System.LXCPath(),
		Daemon: !o.Foreground, Argv: o.Command, Kind: plan.RootfsProgram,
		CgroupPattern: c.System.CgroupPattern(c.Name), CgroupUse: c.System.CgroupUse(),
		ReadFile: os.ReadFile, Log: c.Log, LogLevel: log.Error,
		Facts: facts(),
	}
	if c.Log != nil {
		options.LogLevel = c.Log.Level
	}
	if c.RCFile != "" || c.Defined() {
		options.ConfigFile = c.ConfigFile()
	}
	return compile.Plan(cfg, options)
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
func (c *Container) stageOptions(cfg *config.Config, p *plan.Plan, listener *os.File, o StartOptions) stage.Options {
	options := stage.Options{
		Prog: "lxc-start", Log: c.Log, Listener: listener, Environ: os.Environ(), Listen: listenFiles(),
		PidFile: o.PidFile, MonitorFifo: c.Paths.RunDir + "/lxc/" + c.LXCPath + "/monitor-fifo",
		Shim: c.Paths.Libexec + "/lxc-shim", Stage: c.Paths.Libexec + "/lxc-stage", Argv: os.Args,
	}
	if c.Log != nil {
		options.Prog = c.Log.Prog
		options.LogFile, _ = c.Log.File.(*os.File)
	}
	for _, a := range cfg.Answers() {
		options.Answers = append(options.Answers, stage.Answer(a))
	}
	return options
}

// listenFiles are the descriptors of socket activation (sd_listen_fds(3)):
// they pass through to the init.
func listenFiles() (files []*os.File) {
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n <= 0 {
		return nil
	}
	for fd := 3; fd < 3+n; fd++ {
		files = append(files, os.NewFile(uintptr(fd), fmt.Sprint("listen ", fd-2)))
	}
	return files
}
