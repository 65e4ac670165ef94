// Package container is a container as the tools see it: Create, Start, Attach,
// Console, Stop, Destroy and what they share. It orchestrates; how things are
// done is known to the packages below.
//
// A container is a directory LXCPATH/NAME with a file config in it. Whether it
// runs is known to nobody but its shim, which answers on the command socket.
package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/internal/log"
	"gantry/internal/paths"
	"gantry/pkg/command"
	"gantry/pkg/config"
)

// What keeps a tool from its work, for those who exit with a code of their own
// then. Errors that wrap one of them begin with the container's name where the
// text needs it.
var (
	ErrNotDefined = errors.New("container is not defined")
	ErrExists     = errors.New("container already exists")
	ErrRunning    = errors.New("container is already running")
	ErrNotRunning = errors.New("is not running")
	ErrNoConfig   = errors.New("no container config specified")
	ErrDenied     = errors.New("insufficient privileges to control")
)

// A Container is one container, defined or not, running or not. Who makes one
// sets the exported fields and calls Open.
type Container struct {
	Name    string
	LXCPath string       // directory of containers, absolute, no slash at its end
	RCFile  string       // --rcfile: read instead of LXCPATH/NAME/config; empty for that
	LogFile string       // -o: wins over lxc.log.file and lxc.log.level; empty without -o
	Log     *log.Logger  // nil for none
	Paths   *paths.Paths // where Gantry's files are
	System  *config.System

	config *config.Config // once read
}

// Open gets the container ready for use: a creation that was interrupted is
// cleared away, the file of --rcfile is read, and a monitor that refuses this
// user is ErrDenied. The configuration is not read otherwise.
func (c *Container) Open() error {
	if err := c.checkName(); err != nil {
		return err
	}
	if err := c.clearPartial(); err != nil {
		return err
	}
	if c.RCFile != "" {
		if _, err := c.Config(); err != nil {
			return fmt.Errorf("cannot load the rcfile: %w", err)
		}
	}
	return c.mayControl()
}

// checkName refuses a name that leads out of LXCPath. LXC does not look, and
// its lxc-destroy deletes the directory above when asked for "..".
func (c *Container) checkName() error {
	if c.Name == "" || c.Name == "." || c.Name == ".." || strings.Contains(c.Name, "/") {
		return errors.New(strconv.Quote(c.Name) + " cannot be a container's name: it has to be a plain file name")
	}
	return nil
}

// Dir is the container's directory.
func (c *Container) Dir() string { return c.LXCPath + "/" + c.Name }

// ConfigFile is the file the configuration is read from.
func (c *Container) ConfigFile() string {
	if c.RCFile != "" {
		return c.RCFile
	}
	return c.Dir() + "/config"
}

// Defined says whether the container has a configuration of its own that this
// user can read; --rcfile does not count.
func (c *Container) Defined() bool {
	path := c.Dir() + "/config"
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && unix.Access(path, unix.R_OK) == nil
}

// Config gives the configuration, read on the first call under the container's
// lock. That of a container without one has every key's default.
func (c *Container) Config() (*config.Config, error) {
	if c.config != nil {
		return c.config, nil
	}
	read := config.New(c.Paths.RootfsMount)
	if c.RCFile != "" || c.Defined() {
		unlock, err := c.Lock()
		if err != nil {
			return nil, err
		}
		defer unlock()
		if err := read.Load(c.ConfigFile()); err != nil {
			return nil, err
		}
		if err := c.UseLog(read); err != nil {
			return nil, err
		}
		for _, line := range read.Ignored {
			c.Log.Warn(line.String(), ": ignored: does not begin with lxc.")
		}
	}
	c.config = read
	return read, nil
}

// Client gives a client of the container's command socket.
func (c *Container) Client() *command.Client { return command.NewClient(c.LXCPath, c.Name) }

// State asks the monitor; without one the container is Stopped.
func (c *Container) State() (command.State, error) { return c.Client().State() }

// Running says whether the container has any state but Stopped.
func (c *Container) Running() (bool, error) {
	state, err := c.State()
	return state != command.Stopped, err
}

// NotRunning is ErrNotRunning, with advice if there is such a container at all.
func (c *Container) NotRunning(advice string) error {
	if c.RCFile == "" && !c.Defined() {
		advice = ": there is no container of that name in " + c.LXCPath
	}
	return fmt.Errorf("%s %w%s", c.Name, ErrNotRunning, advice)
}

// mayControl asks the monitor for something harmless. Without a monitor nothing
// is forbidden.
func (c *Container) mayControl() error {
	_, err := c.Client().InitPID()
	if err == nil || errors.Is(err, command.ErrNotRunning) {
		return nil
	}
	return fmt.Errorf("%w %s: %w", ErrDenied, c.Name, err)
}
