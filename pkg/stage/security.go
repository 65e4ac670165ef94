package stage

import (
	"gantry/pkg/seccomp"
)

// security prepares the labels and filters of the init.
func (r *run) security() error {
	s := r.plan.Seccomp
	filter, err := seccomp.FilterOf(s.Profile, s.AllowNesting, r.Log)
	if err != nil {
		return at(s.Origin, err)
	}
	r.in.Filter, r.in.FilterFlags = filter.Filter, int(filter.Flags())
	return nil
}

// unloads says whether the end of the container has to unload a policy.
func (r *run) unloads() bool { return false }

// unload unloads it.
func (r *run) unload() {}
