package network

import (
	"fmt"

	"gantry/pkg/plan"
)

// at is an error about the line that set lxc.net.N.KEY.
func at(d *plan.Network, key, format string, args ...any) error {
	where, ok := d.Origins[key]
	if !ok {
		where = d.Origin
		where.Key = fmt.Sprintf("lxc.net.%d.%s", d.Index, key)
	}
	return of(where, format, args...)
}

// of is an error about the line where says.
func of(where plan.Origin, format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{where}, args...)...)
}

// A rule is something the devices of this package cannot be.
type rule struct {
	key    string // whose line is to blame
	breaks func(*plan.Network) bool
	text   string
}

// rules are checked before anything is made. What Gantry cannot do at all the
// compiler has refused.
var rules = []rule{
	{"type", func(d *plan.Network) bool { return kinds[d.Type] == nil },
		"no network device is of this type (use veth, macvlan, phys, empty or none)"},
	{"link", func(d *plan.Network) bool { return d.Type == "phys" && d.Link == "lo" },
		"lo cannot leave the host (name another device)"},
	{"name", func(d *plan.Network) bool { return d.Type == "empty" && d.Name != "" && d.Name != "lo" },
		"an empty network has lo only, which cannot have another name (remove the line)"},
}

// check holds the devices against the rules.
func check(devices []plan.Network) error {
	for i := range devices {
		for _, r := range rules {
			if r.breaks(&devices[i]) {
				return at(&devices[i], r.key, "%s", r.text)
			}
		}
	}
	return nil
}
