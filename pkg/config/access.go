package config

import (
	"errors"
	"slices"
	"strings"

	"gantry/pkg/plan"
)

// find looks a key up, and what follows the name of its family.
func find[O any](table []key[O], name string) (row *key[O], sub string) {
	search := func(name string) *key[O] {
		i, found := slices.BinarySearchFunc(table, name, func(k key[O], name string) int { return strings.Compare(k.name, name) })
		if !found {
			return nil
		}
		return &table[i]
	}
	if row := search(name); row != nil {
		return row, ""
	}
	if row := search(name + "."); row != nil {
		return row, ""
	}
	for dot := strings.LastIndexByte(name, '.'); dot > 0; dot = strings.LastIndexByte(name[:dot], '.') {
		if row := search(name[:dot+1]); row != nil {
			return row, name[dot+1:]
		}
	}
	return nil, ""
}

// Define sets a key for this run, KEY=VALUE, as an option such as --define does;
// errors name the option. A definition that does not begin with lxc. is ignored,
// as in LXC.
func (c *Config) Define(option, definition string) error {
	name, value, ok := splitLine(definition)
	at := plan.Origin{File: option, Key: name}
	switch {
	case name == "":
		return nil
	case !ok:
		return &Error{at, errors.New("no '=' after the key (write KEY = VALUE)")}
	}
	value, _ = fillHWAddr(name, value)
	return c.assign(value, at)
}

// Set sets a key and adds the line to the file's text: a list gets one more
// value, an empty value empties the key.
func (c *Config) Set(name, value string) error {
	value, _ = fillHWAddr(name, value)
	at := plan.Origin{Key: name}
	if strings.Contains(value, "\n") {
		return &Error{at, errors.New("a value cannot have several lines")}
	}
	if err := c.assign(value, at); err != nil {
		return err
	}
	c.text.Append(line(name, value))
	return nil
}

// Clear gives a key its default again and removes its lines, and for a family
// or a network device those of its sub-keys, from the file's text. What an
// included file says stays there, and counts again when the file is loaded.
func (c *Config) Clear(name string) error {
	row, sub := find(keys, name)
	if row == nil {
		return &Error{plan.Origin{Key: name}, unknown(name)}
	}
	row.item.reset(c, sub, name)
	c.text.Remove(name)
	return nil
}

// Get gives a key's value as lxc-info -c and GET_CONFIG_ITEM show it. The error
// of an unknown key, a network device that is not there, or a key that cannot
// be read is an *Error.
func (c *Config) Get(name string) (string, error) {
	row, sub := find(keys, name)
	if row == nil {
		return "", &Error{plan.Origin{Key: name}, unknown(name)}
	}
	value, err := row.item.get(c, sub)
	if err != nil {
		return "", &Error{plan.Origin{Key: name}, err}
	}
	return value, nil
}

// Text is the text of the file: what Load read, with the changes of Set and
// Clear.
func (c *Config) Text() *Text { return &c.text }

// Keys lists every key, sorted: the families as lxc.sysctl.NAME, the network
// keys as lxc.net.N.KEY.
func Keys() []string {
	var names []string
	for _, k := range keys {
		switch {
		case k.name == "lxc.net.":
			for _, n := range netKeys {
				names = append(names, "lxc.net.N."+n.name)
			}
		case strings.HasSuffix(k.name, "."):
			names = append(names, k.name+"NAME")
		default:
			names = append(names, k.name)
		}
	}
	return names
}
