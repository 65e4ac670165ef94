package network

import (
	"errors"
	"fmt"
	"os"

	"gantry/internal/log"
)

// Teardown takes down what Create has made: lent devices come back from the
// namespace ns, then each device's script.down is called and what is left of
// the device on the host is deleted. It does all it can; the error tells what
// it could not do. Calling it again does no harm but call the scripts again.
func Teardown(live []Live, ns *os.File, run Script, l *log.Logger) error {
	s, err := open(ns, l)
	if err != nil {
		return err
	}
	defer s.close()
	return s.teardown(live, run)
}

func (s *scene) teardown(live []Live, run Script) error {
	var errs []error
	note := func(l *Live, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("lxc.net.%d: %w", l.Index, err))
		}
	}
	for i := range live {
		if l := &live[i]; kinds[l.Type].outlives() {
			note(l, kinds[l.Type].leave(s, l))
		}
	}
	for i := range live {
		l := &live[i]
		note(l, l.script(l.ScriptDown, run))
		if !kinds[l.Type].outlives() {
			note(l, kinds[l.Type].leave(s, l))
		}
	}
	return errors.Join(errs...)
}
