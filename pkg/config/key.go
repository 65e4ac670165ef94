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

// A traced item knows the line that set it last; line 0 is none.
type traced[O any] interface{ origin(o *O) plan.Origin }

// errNoValue is what a key answers that has no value to get.
var errNoValue = errors.New("this key has no value")

// one is the item of a key with one value; setting it again replaces it.
type one[O any, T comparable] struct {
	at    func(*O) *Value[T]
	kind  *kind[T]
	def   T // before it is set
	unset T // after KEY =
}

func (i *one[O, T]) set(o *O, _, value string, at plan.Origin) error {
	v, err := i.kind.parse(value)
	if err != nil {
		return err
	}
	*i.at(o) = Value[T]{v, at}
	return nil
}

func (i *one[O, T]) empty(o *O, _ string, at plan.Origin) error {
	*i.at(o) = Value[T]{i.unset, at}
	return nil
}

func (i *one[O, T]) reset(o *O, _, name string) {
	*i.at(o) = Value[T]{i.def, plan.Origin{Key: name}}
}

func (i *one[O, T]) get(o *O, _ string) (string, error) { return i.kind.get(i.at(o).V), nil }

func (i *one[O, T]) print(o *O, emit func(sub, value string)) {
	if v := i.at(o).V; v != i.def {
		emit("", i.kind.format(v))
	}
}

func (i *one[O, T]) origin(o *O) plan.Origin { return i.at(o).Origin }

// many is the item of a key that collects values; KEY = forgets them.
type many[O any, T any] struct {
	at     func(*O) *[]Value[T]
	kind   *kind[T]
	split  func(string) []string // the values of one line; nil takes the line whole
	layout layout
}

// A layout says how a getter lays a list out.
type layout struct{ join, end string }

var (
	lines  = layout{"\n", "\n"} // each value ends its line
	joined = layout{"\n", ""}
	commas = layout{",", ""}
)

func (i *many[O, T]) set(o *O, _, value string, at plan.Origin) error {
	parts := []string{value}
	if i.split != nil {
		parts = i.split(value)
	}
	values := *i.at(o)
	for _, part := range parts {
		v, err := i.kind.parse(part)
		if err != nil {
			return err
		}
		values = append(values, Value[T]{v, at})
	}
	*i.at(o) = values
	return nil
}

func (i *many[O, T]) empty(o *O, _ string, _ plan.Origin) error {
	*i.at(o) = nil
	return nil
}

func (i *many[O, T]) reset(o *O, _, _ string) { *i.at(o) = nil }

func (i *many[O, T]) get(o *O, _ string) (string, error) {
	text := ""
	for n, v := range *i.at(o) {
		if n > 0 {
			text += i.layout.join
		}
		text += i.kind.get(v.V)
	}
	if text != "" {
		text += i.layout.end
	}
	return text, nil
}

func (i *many[O, T]) print(o *O, emit func(sub, value string)) {
	for _, v := range *i.at(o) {
		emit("", i.kind.format(v.V))
	}
}

func (i *many[O, T]) origin(o *O) plan.Origin {
	values := *i.at(o)
	if len(values) == 0 {
		return plan.Origin{}
	}
	return values[len(values)-1].Origin
}
