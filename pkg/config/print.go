package config

import (
	"slices"
	"strings"
)

// String prints the configuration: a line KEY = VALUE for everything that is
// not the default. Read again, it makes the same configuration.
func (c *Config) String() string {
	var b strings.Builder
	for i := range keys {
		name := keys[i].name
		keys[i].item.print(c, func(sub, value string) {
			b.WriteString(line(name+sub, value))
			b.WriteByte('\n')
		})
	}
	return b.String()
}

// line writes KEY = VALUE, in quotes where the parser would take some of the
// value for blanks or quotes around it.
func line(name, value string) string {
	if value == "" {
		return name + " ="
	}
	first, last := value[0], value[len(value)-1]
	if strings.IndexByte(" \t", first) >= 0 || strings.IndexByte(" \t\r", last) >= 0 ||
		len(value) > 1 && first == last && (first == '"' || first == '\'') {
		return name + ` = "` + value + `"`
	}
	return name + " = " + value
}

// An Answer is what GET_CONFIG_ITEM replies to a key.
type Answer struct{ Key, Value string }

// Answers lists the answers to every key there may be a request for, sorted by
// key. A key whose value is empty is left out: it is answered like an unknown
// one.
func (c *Config) Answers() []Answer {
	var answers []Answer
	add := func(name string, value string, err error) {
		if err == nil && value != "" {
			answers = append(answers, Answer{name, value})
		}
	}
	for i := range keys {
		k := &keys[i]
		value, err := k.item.get(c, "")
		add(strings.TrimSuffix(k.name, "."), value, err)
		if family, ok := k.item.(branching); ok {
			for _, sub := range family.subs(c) {
				value, err := k.item.get(c, sub)
				add(k.name+sub, value, err)
			}
		}
	}
	slices.SortFunc(answers, func(a, b Answer) int { return strings.Compare(a.Key, b.Key) })
	return answers
}

// A branching item has sub-keys that can be asked for.
type branching interface{ subs(*Config) []string }
