package paths

// LXCNet are the places of lxc-net, which only root runs.
type LXCNet struct {
	Defaults  []string // the files with its settings; a later one counts more
	RunDir    string   // pid file and marker
	LeaseDir  string   // dnsmasq's leases
	MachineID string   // systemd's file
}

// FindLXCNet gives the places of lxc-net. Where lxc-net leaves its traces does
// not depend on the prefix, so that two installations never run two networks.
func FindLXCNet() LXCNet {
	return LXCNet{
		Defaults:  []string{sysconfdir + "/default/lxc", sysconfdir + "/default/lxc-net"},
		RunDir:    "/run/lxc",
		LeaseDir:  localstatedir + "/lib/misc",
		MachineID: "/etc/machine-id",
	}
}
