// Lxc-net starts and stops the network of containers: the bridge lxcbr0 with
// DHCP, DNS and a way out.
//
//	lxc-net start|stop|restart|reload|force-reload
//
// The settings are shell-style assignments in /etc/default/lxc and
// /etc/default/lxc-net:
//
//	USE_LXC_BRIDGE      "true", or lxc-net does nothing
//	LXC_BRIDGE          lxcbr0
//	LXC_BRIDGE_MAC      10:66:6a:00:00:00
//	LXC_ADDR            10.0.3.1
//	LXC_NETMASK         255.255.255.0
//	LXC_NETWORK         10.0.3.0/24
//	LXC_DHCP_RANGE      10.0.3.2,10.0.3.254
//	LXC_DHCP_MAX        253
//	LXC_DHCP_CONFILE    a configuration file for dnsmasq
//	LXC_DHCP_PING       "false" gives addresses away without trying them
//	LXC_DOMAIN          the domain of the containers' names
//	LXC_IPV6_ENABLE     "true"
//	LXC_IPV6_ADDR       with LXC_IPV6_MASK and LXC_IPV6_NETWORK; a local
//	                    prefix of the machine's own unless set
//	LXC_IPV6_NAT        "true"
//
// Files: /run/lxc/network_up marks a running network, /run/lxc/dnsmasq.pid its
// dnsmasq; leases are in /var/lib/misc/dnsmasq.BRIDGE.leases.
//
// Exit status: 0 for success, also when the network is not wanted, which is said
// on standard output; 1 for a
// failure, a network that is up already (start) or is not (stop); 2 for a word
// it does not know.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/internal/paths"
	"gantry/pkg/lxcnet"
	"gantry/pkg/tool"
)

func main() {
	tool.Main(tool.Spec{
		Name:     "lxc-net",
		Synopsis: "{start|stop|restart|reload|force-reload}",
		Help:     "lxc-net starts and stops the network of containers\n",
		Nameless: true,
	}, run)
}

// verbs are what lxc-net can be told to do.
var verbs = map[string]func(*tool.Call, *lxcnet.Network) error{
	"start":        start,
	"stop":         stop,
	"restart":      restart,
	"reload":       restart,
	"force-reload": restart,
}

func run(call *tool.Call) error {
	verb := ""
	if len(call.Operands) > 0 {
		verb = call.Operands[0]
	}
	do, ok := verbs[verb]
	if !ok {
		fmt.Fprintf(call.Stdout, "Usage: %s {start|stop|restart|reload|force-reload}\n", os.Args[0])
		return tool.Exit{Code: 2}
	}
	network, err := open(call)
	if err != nil {
		return err
	}
	switch {
	case !network.Use: // where LXC's script says nothing, and a misspelt true looks like success
		fmt.Fprintln(call.Stdout, strings.Join(network.Notes, "\n"))
		return nil
	case os.Geteuid() != 0:
		return errors.New("must be run as root")
	}
	return do(call, network)
}

// open reads the settings.
func open(call *tool.Call) (*lxcnet.Network, error) {
	places := paths.FindLXCNet()
	variables, err := lxcnet.Read(places.Defaults...)
	if err != nil {
		return nil, err
	}
	id, err := os.ReadFile(places.MachineID)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	settings, err := lxcnet.New(variables, string(id))
	if err != nil {
		return nil, err
	}
	return &lxcnet.Network{
		Settings: settings,
		RunDir:   places.RunDir,
		LeaseDir: places.LeaseDir,
		Warn:     func(text string) { call.Log.Error("warning: ", text) },
	}, nil
}

func start(call *tool.Call, network *lxcnet.Network) error {
	ctx, done := signal.NotifyContext(context.Background(), unix.SIGHUP, unix.SIGINT, unix.SIGTERM)
	defer done()
	err := network.Start(ctx)
	if err == nil || errors.Is(err, lxcnet.ErrRunning) {
		return answer(call, err)
	}
	complain(call, err)
	io.WriteString(call.Stderr, "Failed to setup lxc-net.\n")
	return tool.Exit{Code: 1}
}

func stop(call *tool.Call, network *lxcnet.Network) error {
	return answer(call, network.Stop())
}

// restart starts the network whether or not it could be stopped.
func restart(call *tool.Call, network *lxcnet.Network) error {
	if err := stop(call, network); err != nil {
		complain(call, err)
	}
	return start(call, network)
}

// complain prints an error that does not end the tool.
func complain(call *tool.Call, err error) {
	if err.Error() == "" {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		call.Log.Error(line)
	}
}

// answer prints what scripts expect on standard output.
func answer(call *tool.Call, err error) error {
	if errors.Is(err, lxcnet.ErrRunning) || errors.Is(err, lxcnet.ErrNotRunning) {
		fmt.Fprintln(call.Stdout, err)
		return tool.Exit{Code: 1}
	}
	return err
}
