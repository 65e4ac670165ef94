package config

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

func itoa(n int) string { return strconv.Itoa(n) }

// networks is the item of lxc.net.: it finds the device and hands on to the
// row of netKeys.
type networks struct{}

// split takes N.KEY apart; row is nil without KEY.
func (networks) split(sub string) (index int, row *key[Network], err error) {
	number, name, dot := strings.Cut(sub, ".")
	index, err = strconv.Atoi(number)
	if err != nil || number[0] < '0' || number[0] > '9' || index >= math.MaxInt32 {
		return 0, nil, errors.New(strconv.Quote(number) + " is not the number of a network device: write lxc.net.0.type and so on")
	}
	if !dot {
		return index, nil, nil
	}
	row, _ = find(netKeys, name)
	if row == nil {
		return 0, nil, unknownKey{nearest("lxc.net."+number+"."+name, "lxc.net."+number+".", netKeys)}
	}
	return index, row, nil
}

// device finds a device; make adds it where its index belongs.
func (c *Config) device(index int, make bool) *Network {
	i, found := slices.BinarySearchFunc(c.Networks, index, func(n *Network, index int) int { return n.Index - index })
	switch {
	case found:
		return c.Networks[i]
	case !make:
		return nil
	}
	n := newNetwork(index)
	c.Networks = slices.Insert(c.Networks, i, n)
	return n
}

func (w networks) set(c *Config, sub, value string, at plan.Origin) error {
	if sub == "" {
		return errors.New("must not have a value: it removes all network devices (lxc.net.0.type adds one)")
	}
	index, row, err := w.split(sub)
	if err != nil {
		return err
	}
	if row == nil {
		return errors.New("must not have a value: it removes the device (lxc.net." + itoa(index) + ".type adds it)")
	}
	n := c.device(index, true)
	if err := row.belongs(n); err != nil {
		return err
	}
	return row.item.set(n, "", value, at)
}

// belongs says whether a device has the key.
func (k *key[O]) belongs(n *Network) error {
	if k.only == "" || k.only == n.Type.V {
		return nil
	}
	return errors.New("is a key of type " + k.only + ", and lxc.net." + itoa(n.Index) + ".type is " + n.Type.V + " here (set the type first)")
}

func (w networks) empty(c *Config, sub string, at plan.Origin) error {
	if sub == "" {
		c.Networks = nil
		return nil
	}
	index, row, err := w.split(sub)
	if err != nil {
		return err
	}
	if row == nil {
		w.remove(c, index)
		return nil
	}
	n := c.device(index, true)
	if err := row.belongs(n); err != nil {
		return err
	}
	return row.item.empty(n, "", at)
}

func (networks) remove(c *Config, index int) {
	c.Networks = slices.DeleteFunc(c.Networks, func(n *Network) bool { return n.Index == index })
	if len(c.Networks) == 0 {
		c.Networks = nil
	}
}

func (w networks) reset(c *Config, sub, name string) {
	if sub == "" {
		c.Networks = nil
		return
	}
	index, row, err := w.split(sub)
	switch {
	case err != nil:
	case row == nil:
		w.remove(c, index)
	default:
		if n := c.device(index, false); n != nil {
			row.item.reset(n, "", name)
		}
	}
}

func (w networks) get(c *Config, sub string) (string, error) {
	if sub == "" {
		text := ""
		for _, n := range c.Networks {
			if n.Type.V == "" {
				text += "(invalid)"
			}
			text += n.Type.V + "\n"
		}
		return text, nil
	}
	index, row, err := w.split(sub)
	if err != nil {
		return "", err
	}
	n := c.device(index, false)
	if row == nil || n == nil || row.belongs(n) != nil {
		return "", errNoValue
	}
	return row.item.get(n, "")
}

func (networks) print(c *Config, emit func(sub, value string)) {
	for _, n := range c.Networks {
		prefix := itoa(n.Index) + "."
		emit(prefix+"type", n.Type.V)
		for i := range netKeys {
			k := &netKeys[i]
			if k.name != "type" && k.belongs(n) == nil {
				k.item.print(n, func(_, value string) { emit(prefix+k.name, value) })
			}
		}
	}
}

// netType is the item of lxc.net.N.type; a device begins anew with each type.
type netType struct{ *one[Network, string] }

func (t netType) set(n *Network, sub, value string, at plan.Origin) error {
	v, err := t.kind.parse(value)
	if err != nil {
		return err
	}
	n.reset()
	n.Type = Value[string]{v, at}
	return nil
}

func (t netType) empty(n *Network, sub string, at plan.Origin) error {
	n.reset()
	n.Type = Value[string]{"", at}
	return nil
}

// subs are the keys that each device may be asked for.
func (networks) subs(c *Config) (names []string) {
	for _, n := range c.Networks {
		for i := range netKeys {
			if netKeys[i].belongs(n) == nil {
				names = append(names, itoa(n.Index)+"."+netKeys[i].name)
			}
		}
	}
	return names
}
