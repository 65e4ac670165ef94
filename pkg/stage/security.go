package stage

import (
	"fmt"

	"gantry/internal/log"
	"gantry/pkg/seccomp"
)

// security prepares the labels and filters of the init.
func (r *run) security() error {
	s := r.plan.Seccomp
	filter, err := SeccompFilter(s.Profile, s.AllowNesting, r.Log)
	if err != nil {
		return at(s.Origin, err)
	}
	r.in.Filter, r.in.FilterFlags = filter.Filter, int(filter.Flags())
	return nil
}

// SeccompFilter makes the filter of a policy file; an empty one without a file,
// or where a filter is in force already and may not be nested.
func SeccompFilter(file string, nest bool, l *log.Logger) (seccomp.Program, error) {
	if file == "" {
		return seccomp.Program{}, nil
	}
	if confined, err := seccomp.Confined(); err != nil || confined && !nest {
		l.Warn("a seccomp filter is in force already, ", file, " is not loaded")
		return seccomp.Program{}, err
	}
	program, err := seccomp.FilterFor(file, l)
	if err == nil && program.Notifies {
		err = fmt.Errorf("%s: the action notify is not supported yet", file)
	}
	return program, err
}

// unloads says whether the end of the container has to unload a policy.
func (r *run) unloads() bool { return false }

// unload unloads it.
func (r *run) unload() {}
