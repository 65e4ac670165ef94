package stage

// security prepares the labels and filters of the init.
func (r *run) security() error { return nil }

// unloads says whether the end of the container has to unload a policy.
func (r *run) unloads() bool { return false }

// unload unloads it.
func (r *run) unload() {}
