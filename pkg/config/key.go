package config

import (
	"errors"

	"gantry/pkg/plan"
)

// A key is one row of a table: a name and what it does to its owner, a *Config
// or a *Network. A name that ends in a dot is a family and takes any sub-key.
type key[O any] struct {
	name string
	item item[O]
	only string // type of network device the key belongs to; empty for all
}

// An item is what a row does. sub is what follows a family's name.
type item[O any] interface {
	// set takes a value that is not empty.
	set(o *O, sub, value string, at plan.Origin) error
	// empty is what `KEY =` does.
	empty(o *O, sub string, at plan.Origin) error
	// reset goes back to what a new configuration has.
	reset(o *O, sub, name string)
	// get gives the text lxc-info -c and GET_CONFIG_ITEM show.
	get(o *O, sub string) (string, error)
	// print calls emit for each line from which set makes the same value again.
	print(o *O, emit func(sub, value string))
}

// errNoValue is what a key answers that has no value to get.
var errNoValue = errors.New("this key has no value")

// A scalar is the item of a key with one value; setting it again replaces it.
type scalar[O any, T comparable] struct {
	field func(*O) *Value[T]
	kind  *kind[T]
	def   T // before it is set
	unset T // after KEY =
}

// one makes the item of a key with one value.
func one[O any, T comparable](field func(*O) *Value[T], kind *kind[T]) *scalar[O, T] {
	return &scalar[O, T]{field: field, kind: kind}
}

// is gives the value another default than T's zero.
func (s *scalar[O, T]) is(def T) *scalar[O, T] {
	s.def, s.unset = def, def
	return s
}

// starts gives the value another default, which KEY = does not bring back.
func (s *scalar[O, T]) starts(def T) *scalar[O, T] {
	s.def = def
	return s
}

// clears gives what KEY = brings, where that is not the default.
func (s *scalar[O, T]) clears(unset T) *scalar[O, T] {
	s.unset = unset
	return s
}

func (s *scalar[O, T]) set(o *O, _, value string, at plan.Origin) error {
	v, err := s.kind.parse(value)
	if err != nil {
		return err
	}
	*s.field(o) = Value[T]{v, at}
	return nil
}

func (s *scalar[O, T]) empty(o *O, _ string, at plan.Origin) error {
	*s.field(o) = Value[T]{s.unset, at}
	return nil
}

func (s *scalar[O, T]) reset(o *O, _, name string) {
	*s.field(o) = Value[T]{s.def, plan.Origin{Key: name}}
}

func (s *scalar[O, T]) get(o *O, _ string) (string, error) {
	return s.kind.get(s.field(o).V), nil
}

func (s *scalar[O, T]) print(o *O, emit func(sub, value string)) {
	if v := s.field(o).V; v != s.def {
		emit("", s.kind.format(v))
	}
}

// A list is the item of a key that collects values; KEY = forgets them.
type list[O any, T any] struct {
	field func(*O) *[]Value[T]
	kind  *kind[T]
	split func(string) []string // the values of one line; nil takes the line whole
	lay   layout
}

// A layout says how a getter lays a list out.
type layout struct{ join, end string }

var (
	lines  = layout{"\n", "\n"} // each value ends its line
	joined = layout{"\n", ""}
	commas = layout{",", ""}
)

// many makes the item of a key that collects values.
func many[O any, T any](field func(*O) *[]Value[T], kind *kind[T], split func(string) []string, l layout) *list[O, T] {
	return &list[O, T]{field, kind, split, l}
}

func (l *list[O, T]) set(o *O, _, value string, at plan.Origin) error {
	parts := []string{value}
	if l.split != nil {
		parts = l.split(value)
	}
	values := *l.field(o)
	for _, part := range parts {
		v, err := l.kind.parse(part)
		if err != nil {
			return err
		}
		values = append(values, Value[T]{v, at})
	}
	*l.field(o) = values
	return nil
}

func (l *list[O, T]) empty(o *O, _ string, _ plan.Origin) error {
	*l.field(o) = nil
	return nil
}

func (l *list[O, T]) reset(o *O, _, _ string) { *l.field(o) = nil }

func (l *list[O, T]) get(o *O, _ string) (string, error) {
	text := ""
	for i, v := range *l.field(o) {
		if i > 0 {
			text += l.lay.join
		}
		text += l.kind.get(v.V)
	}
	if text != "" {
		text += l.lay.end
	}
	return text, nil
}

func (l *list[O, T]) print(o *O, emit func(sub, value string)) {
	for _, v := range *l.field(o) {
		emit("", l.kind.format(v.V))
	}
}
