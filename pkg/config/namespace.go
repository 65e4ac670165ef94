package config

import (
	"errors"
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// Namespaces is a set of namespace kinds.
type Namespaces uint8

// namespaceKinds are the kinds in LXC's order; an index is a bit of Namespaces.
var namespaceKinds = []string{"user", "mnt", "pid", "uts", "ipc", "net", "cgroup", "time"}

// Has says whether the set holds a kind, named as in lxc.namespace.clone.
func (n Namespaces) Has(kind string) bool {
	for i, k := range namespaceKinds {
		if k == kind {
			return n&(1<<i) != 0
		}
	}
	return false
}

// names gives the members in LXC's order.
func (n Namespaces) names() (names []string) {
	for i, k := range namespaceKinds {
		if n&(1<<i) != 0 {
			names = append(names, k)
		}
	}
	return names
}

// namespaceSet is the item of lxc.namespace.clone and keep, whose lines add up.
type namespaceSet struct{ *one[Config, Namespaces] }

func (s namespaceSet) set(c *Config, _, value string, at plan.Origin) error {
	more, err := parseNamespaces(value)
	if err != nil {
		return err
	}
	field := s.one.at(c)
	*field = Value[Namespaces]{field.V | more, at}
	return nil
}

var namespaces = &kind[Namespaces]{
	parse:  parseNamespaces,
	format: func(n Namespaces) string { return strings.Join(n.names(), " ") },
	show: func(n Namespaces) string {
		text := ""
		for _, name := range n.names() {
			text += name + "\n"
		}
		return text
	},
}

func parseNamespaces(s string) (n Namespaces, err error) {
next:
	for _, word := range strings.Fields(s) {
		for i, k := range namespaceKinds {
			if k == word {
				n |= 1 << i
				continue next
			}
		}
		return 0, errors.New(strconv.Quote(word) + " is not a namespace: " + strings.Join(namespaceKinds, " "))
	}
	return n, nil
}
