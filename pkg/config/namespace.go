package config

// Namespaces is a set of namespace kinds.
type Namespaces uint8

// namespaceKinds are the kinds in LXC's order; their index is their bit in Namespaces.
var namespaceKinds = [...]string{"user", "mnt", "pid", "uts", "ipc", "net", "cgroup", "time"}

// Has says whether the set holds a kind, named as in lxc.namespace.clone.
func (n Namespaces) Has(kind string) bool {
	for i, k := range namespaceKinds {
		if k == kind {
			return n&(1<<i) != 0
		}
	}
	return false
}
