// Package container is a container as the tools see it: Create, Start, Attach,
// Console, Stop, Destroy and what they share. It orchestrates; how things are
// done is known to the packages below.
//
// A container is a directory LXCPATH/NAME with a file config in it. Whether it
// runs is known to nobody but its shim, which answers on the command socket.
package container

import (
	"errors"

	"gantry/internal/log"
	"gantry/internal/paths"
	"gantry/pkg/config"
)

// What keeps a tool from doing its work, for tools that exit with a code of
// their own then.
var (
	ErrNotDefined = errors.New("container is not defined")
	ErrExists     = errors.New("container already exists")
	ErrRunning    = errors.New("container is already running")
	ErrNotRunning = errors.New("container is not running")
	ErrNoConfig   = errors.New("no container config specified")
	ErrDenied     = errors.New("insufficient privileges to control the container")
)

// A Container is one container, defined or not. The exported fields are set by
// whoever makes it; nothing is read before Open.
type Container struct {
	Name    string
	LXCPath string // directory of containers, without a slash at its end
	RCFile  string // --rcfile: read instead of the container's own file; empty for that
	LogFile string // -o: wins over lxc.log.file
	Log     *log.Logger
	Paths   *paths.Paths

	config *config.Config // once read
}
