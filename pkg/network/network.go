// Package network carries out the lxc.net.N of a plan: it makes the devices,
// puts them into the container's network namespace, gives them names,
// addresses and routes there, and takes them back when the container stops.
//
// Everything is done from the host through netlink (rtnetlink(7)), by sockets in
// the one namespace and the other; no process has to enter the container. The
// order of a start is
//
//	Create     for each device: make it, then its script.up; then move all in
//	Configure  hardware addresses, addresses, up, routes
//
// and a stop calls Teardown if NeedsTeardown says so.
package network

import (
	"fmt"
	"os"

	"gantry/internal/cleanup"
	"gantry/internal/log"
	"gantry/pkg/plan"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Live is what became of one lxc.net.N: all that Teardown needs to know. It
// survives encoding as JSON.
type Live struct {
	Index  int    // N of lxc.net.N
	Type   string // of lxc.net.N.type
	Name   string // inside; empty for type none
	Link   string `json:",omitempty"` // lxc.net.N.link; for a phys link that ends in +, the device it stood for
	Host   string `json:",omitempty"` // our device on the host: a veth's other end
	Device int    `json:",omitempty"` // interface index: of Host; of a phys device, inside
	Lent   bool   `json:",omitempty"` // phys: the container has the device
	Before Before `json:",omitzero"`  // phys: what the device was like

	Gateway4, Gateway6 string     `json:",omitempty"` // addresses that gateway = auto stood for
	ScriptDown         *plan.Hook `json:",omitempty"`
}

// Before is the state of a lent device, to go back to.
type Before struct {
	Kind     string // of link, as netlink names it: a device of another kind is not the one we lent
	MTU      int
	HWAddr   string
	AltNames []string `json:",omitempty"`
}

// NeedsTeardown says whether the end of the container leaves anything to do.
// Virtual devices vanish with the namespace.
func NeedsTeardown(devices []Live) bool {
	for _, l := range devices {
		if l.Type == "phys" || l.ScriptDown != nil {
			return true
		}
	}
	return false
}

// Facts are the configuration items only a running container can answer, by
// key: lxc.net.N.name and lxc.net.N.veth.pair.
func Facts(devices []Live) map[string]string {
	facts := map[string]string{}
	for _, l := range devices {
		key := fmt.Sprintf("lxc.net.%d.", l.Index)
		if l.Name != "" {
			facts[key+"name"] = l.Name
		}
		if l.Type == "veth" {
			facts[key+"veth.pair"] = l.Host
		}
	}
	return facts
}

// Create makes the devices and moves them into the namespace ns, which must be
// new. Each script.up is called after its device is ready on the host and
// before any device is moved. If something fails, what was made is taken down
// again, script.down included. The error names the line of the configuration.
func Create(devices []plan.Network, ns *os.File, run Script, l *log.Logger) ([]Live, error) {
	if err := check(devices); err != nil {
		return nil, err
	}
	s, err := open(ns, l)
	if err != nil {
		return nil, err
	}
	defer s.close()

	live := make([]Live, len(devices))
	for i := range devices {
		if live[i], err = s.resolve(&devices[i]); err != nil {
			return nil, err
		}
	}
	if err := name(devices, live); err != nil {
		return nil, err
	}
	made := 0
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { s.teardown(live[:made], run) })
	for i := range devices {
		if err := kinds[live[i].Type].create(s, &devices[i], &live[i]); err != nil {
			return nil, err
		}
		made++
		if err := live[i].script(devices[i].ScriptUp, run); err != nil {
			return nil, err
		}
	}
	for i := range devices {
		if err := kinds[live[i].Type].enter(s, &devices[i], &live[i]); err != nil {
			return nil, err
		}
	}
	undo.Release()
	return live, nil
}

// scene is where the work takes place: the calling thread's network namespace,
// reached by one netlink socket, and the container's.
type scene struct {
	host *netlink.Handle
	ns   *os.File
	log  *log.Logger
}

func open(ns *os.File, l *log.Logger) (*scene, error) {
	host, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	return &scene{host: host, ns: ns, log: l}, nil
}

func (s *scene) close() { s.host.Close() }

// connect connects to the kernel in the container's namespace.
func connect(ns *os.File) (*netlink.Handle, error) {
	h, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink in the container's network namespace: %w", err)
	}
	return h, nil
}
