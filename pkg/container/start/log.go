package start

import (
	"gantry/internal/log"
	"gantry/pkg/config"
)

// openLog gives the log what the configuration says of it: a level, a file
// unless -o has named one, and a facility of syslog.
func (s *starting) openLog() error {
	conf := s.cfg.Log
	if s.Log == nil {
		return nil
	}
	if conf.Level.V != log.NotSet {
		s.Log.Level = conf.Level.V
	}
	s.Log.Syslog = log.NewSyslog(conf.Syslog.V)
	if conf.File.V == "" || s.LogFile != "" {
		return nil
	}
	file, err := log.OpenFile(conf.File.V)
	if err != nil {
		return &config.Error{Origin: conf.File.Origin, Err: err}
	}
	s.Log.File = file
	return nil
}
