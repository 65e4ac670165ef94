package container

// DestroyOptions says how Destroy removes a container.
type DestroyOptions struct {
	Force     bool // -f: stop it first
	Snapshots bool // -s: its snapshots and the clones that depend on it too
	Quiet     bool // -q
}
