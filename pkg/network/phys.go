package network

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"gantry/pkg/plan"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// phys is a device of the host, lent to the container.
type phys struct{}

// create finds the device and notes what it is like.
func (phys) create(s *scene, d *plan.Network, live *Live) error {
	link, err := s.device(d, live.Link)
	if err != nil {
		return err
	}
	a := link.Attrs()
	live.Before = Before{Kind: link.Type(), MTU: a.MTU, HWAddr: a.HardwareAddr.String()}
	for _, name := range a.AltNames {
		if name != live.Link { // that one a crash has left, see enter
			live.Before.AltNames = append(live.Before.AltNames, name)
		}
	}
	return nil
}

// enter moves the device. While it is away under another name it bears its own
// as an alternative one: if the namespace dies before leave was called, the
// kernel hands the device back under whatever name it had inside, and the next
// start still finds it.
func (phys) enter(s *scene, d *plan.Network, live *Live) error {
	link, err := s.device(d, live.Link)
	if err != nil {
		return err
	}
	for _, name := range []string{live.Name, live.Link} {
		if slices.Contains(link.Attrs().AltNames, name) {
			s.host.LinkDelAltName(link, name) // a device cannot be renamed to its own alternative name
		}
	}
	if err := move(netns.None(), link.Attrs().Index, s.ns, live.Name); err != nil {
		return at(d, "link", "moving %s into the container: %w", live.Link, err)
	}
	live.Lent = true
	inside, err := connect(s.ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	lent, err := inside.LinkByName(live.Name)
	if err != nil {
		return at(d, "link", "%s did not arrive in the container: %w", live.Link, err)
	}
	live.Device = lent.Attrs().Index
	if live.Name != live.Link {
		inside.LinkAddAltName(lent, live.Link)
	}
	return nil
}

// leave takes the device back and makes it what it was before. Alternative
// names are the host's affair: those the container gave it are dropped.
func (phys) leave(s *scene, live *Live) error {
	if !live.Lent {
		return nil
	}
	inside, err := connect(s.ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	var link netlink.Link
	if live.Device != 0 {
		link, err = inside.LinkByIndex(live.Device)
	} else { // a start that failed before it had looked
		link, err = inside.LinkByName(live.Name)
	}
	if err != nil || link.Type() != live.Before.Kind {
		return fmt.Errorf("%s is no longer in the container", live.Link)
	}
	inside.LinkSetDown(link)
	for _, name := range link.Attrs().AltNames {
		inside.LinkDelAltName(link, name)
	}
	name := live.Link
	if _, err := s.host.LinkByName(name); err == nil {
		name = "phys%d" // the kernel numbers it
	}
	host, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer host.Close()
	if err := move(netns.NsHandle(s.ns.Fd()), link.Attrs().Index, host, name); err != nil {
		return fmt.Errorf("taking %s back: %w", live.Link, err)
	}
	live.Lent, live.Device = false, 0
	if name != live.Link {
		return fmt.Errorf("%s is taken: the device is back as physN", live.Link)
	}
	return s.restore(live)
}

// restore gives the returned device its size, address and names.
func (s *scene) restore(live *Live) error {
	link, err := s.host.LinkByName(live.Link)
	if err != nil {
		return fmt.Errorf("%s: %w", live.Link, err)
	}
	var errs []error
	if link.Attrs().MTU != live.Before.MTU {
		errs = append(errs, s.host.LinkSetMTU(link, live.Before.MTU))
	}
	if mac, err := net.ParseMAC(live.Before.HWAddr); err == nil && live.Before.HWAddr != link.Attrs().HardwareAddr.String() {
		errs = append(errs, s.host.LinkSetHardwareAddr(link, mac))
	}
	for _, name := range live.Before.AltNames {
		errs = append(errs, s.host.LinkAddAltName(link, name))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("making %s what it was: %w", live.Link, err)
	}
	return nil
}

func (phys) outlives() bool { return true }

// match gives the device a link that ends in + stands for: the last one whose
// name begins so. Other links stand for themselves.
func (s *scene) match(d *plan.Network) (string, error) {
	prefix, ok := strings.CutSuffix(d.Link, "+")
	if !ok || d.Type != "phys" {
		return d.Link, nil
	}
	links, err := s.host.LinkList()
	if err != nil {
		return "", at(d, "link", "%s: %w", d.Link, err)
	}
	found := ""
	for _, link := range links {
		if strings.HasPrefix(link.Attrs().Name, prefix) {
			found = link.Attrs().Name
		}
	}
	if found == "" {
		return "", at(d, "link", "no device's name begins with %s (ip link shows those there are)", prefix)
	}
	return found, nil
}
