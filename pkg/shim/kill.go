package shim

// insistence is how long a killed init has to end, in nanoseconds, before the
// rest of the container is killed too, again and again. Its end waits for all
// processes of its pid namespace, and root inside may have frozen some since.
const insistence = 200e6

// insist has the container killed as a whole if the init does not end soon.
func (s *shim) insist() {
	if s.killer != 0 || s.ended {
		return
	}
	var err error
	if s.killer, err = s.every(insistence, s.cgroups.Kill); err != nil {
		s.log.Warn(err.Error())
	}
}

// desist ends insist.
func (s *shim) desist() {
	s.stopTimer(s.killer)
	s.killer = 0
}
