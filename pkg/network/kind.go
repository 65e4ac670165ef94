package network

import (
	"gantry/pkg/plan"
)

// A kind is a type of device: the part of the work in which types differ.
type kind interface {
	// create makes the device on the host, or finds it there. On failure
	// nothing is left of it.
	create(s *scene, d *plan.Network, live *Live) error
	// enter moves it into the container under the name live.Name.
	enter(s *scene, d *plan.Network, live *Live) error
	// leave takes it out again, or deletes it. What is no longer there is no
	// error.
	leave(s *scene, live *Live) error
	// outlives says that the device is not destroyed with the namespace, and
	// must leave before script.down looks at it.
	outlives() bool
}

// kinds are the types of lxc.net.N.type. The empty device is the namespace's
// own lo; type none is no device at all.
var kinds = map[string]kind{
	"empty":   nothing{},
	"none":    nothing{},
	"veth":    veth{},
	"macvlan": macvlan{},
	"phys":    phys{},
}

// nothing is a kind that makes no device.
type nothing struct{}

func (nothing) create(*scene, *plan.Network, *Live) error { return nil }
func (nothing) enter(*scene, *plan.Network, *Live) error  { return nil }
func (nothing) leave(*scene, *Live) error                 { return nil }
func (nothing) outlives() bool                            { return false }
