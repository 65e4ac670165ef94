package tool

import (
	"fmt"
	"os"
	"path/filepath"

	"gantry/internal/log"
)

// openLog sets the log up from -o, -l and -q. Where lines go:
//
//   - -o none, or neither -o nor -l: no file;
//   - -o FILE: FILE, and it is an error if it cannot be opened;
//   - -l alone: root's containers of the default directory have a file in the
//     log directory, others one beside their configuration. If neither can be
//     opened there is none.
//
// Lines of level ERROR go to standard error too. -q ends that, but, as in LXC,
// only when no file is open.
func (c *Call) openLog() error {
	c.Log.Name = c.Name
	if c.common.logLevel != "" {
		c.Log.Level = log.ParseLevel(c.common.logLevel)
	}
	file, err := c.logFile()
	if err != nil {
		return fmt.Errorf("cannot open the log file: %w", err)
	}
	switch {
	case file != nil:
		c.Log.File = file
	case c.Quiet:
		c.Log.Stderr = nil // whatever file lxc.log.file may name
	}
	return nil
}

// logFile opens the log file; nil is none.
func (c *Call) logFile() (*os.File, error) {
	switch {
	case c.common.logFile == "none":
		return nil, nil
	case c.common.logFile != "":
		path, err := filepath.Abs(c.common.logFile)
		if err != nil {
			return nil, err
		}
		c.LogFile = path
		return log.OpenFile(path)
	case c.common.logLevel == "":
		return nil, nil
	}
	shared := filepath.Join(c.Paths.LogDir, c.Name+".log")
	candidates := []string{filepath.Join(c.LXCPath, c.Name, c.Name+".log"), shared}
	if os.Geteuid() == 0 && c.LXCPath == c.Paths.LXCPath {
		candidates = candidates[1:]
	}
	for _, path := range candidates {
		if file, err := log.OpenFile(path); err == nil {
			return file, nil
		}
	}
	return nil, nil
}
