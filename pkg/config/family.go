package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// A family is the item of lxc.cgroup., lxc.sysctl. and the like: keys whose
// last part names a file or a resource. `lxc.sysctl =` forgets all of them.
type family[T any] struct {
	name string // with the dot
	at   func(*Config) *[]Member[T]
	kind *kind[T]
	// repeats: setting a key again adds a value instead of replacing it.
	repeats bool
	layout  layout // of the values of one key
	names   []string
}

func (f *family[T]) set(c *Config, sub, value string, at plan.Origin) error {
	switch {
	case sub == "":
		return errors.New("must not have a value: write " + f.name + "NAME = VALUE")
	case f.names != nil && !slices.Contains(f.names, sub):
		return errors.New(strconv.Quote(sub) + " is not one of " + strings.Join(f.names, " "))
	}
	v, err := f.kind.parse(value)
	if err != nil {
		return err
	}
	members := f.at(c)
	if !f.repeats {
		for i := range *members {
			if m := &(*members)[i]; m.Name == sub {
				m.Value = Value[T]{v, at}
				return nil
			}
		}
	}
	*members = append(*members, Member[T]{sub, Value[T]{v, at}})
	return nil
}

func (f *family[T]) empty(c *Config, sub string, _ plan.Origin) error {
	f.reset(c, sub, "")
	return nil
}

func (f *family[T]) reset(c *Config, sub, _ string) {
	members := f.at(c)
	if sub == "" {
		*members = nil
		return
	}
	*members = slices.DeleteFunc(*members, func(m Member[T]) bool { return m.Name == sub })
	if len(*members) == 0 {
		*members = nil
	}
}

func (f *family[T]) get(c *Config, sub string) (string, error) {
	if f.names != nil && !slices.Contains(f.names, sub) {
		return "", errNoValue
	}
	text := ""
	for _, m := range *f.at(c) {
		switch {
		case sub == "":
			text += f.name + m.Name + " = " + f.kind.get(m.V) + "\n"
		case sub == m.Name && text == "":
			text = f.kind.get(m.V)
		case sub == m.Name:
			text += f.layout.join + f.kind.get(m.V)
		}
	}
	switch {
	case sub == "":
		return text, nil
	case text == "" && f.names != nil:
		return showNull(""), nil
	case text == "":
		return "", nil
	}
	return text + f.layout.end, nil
}

func (f *family[T]) print(c *Config, emit func(sub, value string)) {
	for _, m := range *f.at(c) {
		emit(m.Name, f.kind.format(m.V))
	}
}

// subs are the keys of the family that have a value.
func (f *family[T]) subs(c *Config) (names []string) {
	if f.names != nil {
		return f.names
	}
	for _, m := range *f.at(c) {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}
