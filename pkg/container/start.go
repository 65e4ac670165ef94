package container

import "errors"

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

// Start starts the container. With Foreground it returns when the container has
// stopped, else when it is RUNNING. A container that runs already is
// ErrRunning, one without any configuration ErrNoConfig.
func Start(c *Container, o StartOptions) error {
	return errors.ErrUnsupported
}
