package container

import (
	"gantry/internal/log"
	"gantry/pkg/config"
)

// UseLog gives the log what the configuration says of it: a facility of syslog
// and, unless -o has named a file, a file and a level. Config does so as soon as
// it has read one; who changes the configuration calls it again.
func (c *Container) UseLog(conf *config.Config) error {
	if c.Log == nil {
		return nil
	}
	c.Log.Syslog = log.NewSyslog(conf.Log.Syslog.V)
	if c.LogFile != "" {
		return nil
	}
	if conf.Log.Level.V != log.NotSet {
		c.Log.Level = conf.Log.Level.V
	}
	if conf.Log.File.V == "" {
		return nil
	}
	file, err := log.OpenFile(conf.Log.File.V)
	if err != nil {
		return &config.Error{Origin: conf.Log.File.Origin, Err: err}
	}
	c.Log.File = file
	return nil
}
