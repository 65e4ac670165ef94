package config

import (
	"errors"
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// exclusive is an item that may only be set while another key is not.
type exclusive struct {
	item[Config]
	other func(*Config) (at plan.Origin, set bool)
}

func (e exclusive) set(c *Config, sub, value string, at plan.Origin) error {
	if other, set := e.other(c); set {
		return errors.New("cannot be used together with " + other.String() + " (keep one)")
	}
	return e.item.set(c, sub, value, at)
}

// capKeep is the item of lxc.cap.keep, where none keeps nothing.
type capKeep struct{ *many[Config, string] }

func (k capKeep) set(c *Config, sub, value string, at plan.Origin) error {
	for _, word := range strings.Fields(value) {
		if word == "none" {
			c.Cap.Keep = nil
		} else if err := k.many.set(c, sub, word, at); err != nil {
			return err
		}
	}
	c.Cap.Keeps = Value[bool]{true, at}
	return nil
}

func (k capKeep) empty(c *Config, sub string, at plan.Origin) error {
	return resetCaps{}.empty(c, sub, at)
}

func (k capKeep) reset(c *Config, sub, name string) {
	k.many.reset(c, sub, name)
	c.Cap.Keeps = Value[bool]{}
}

func (k capKeep) print(c *Config, emit func(sub, value string)) {
	if c.Cap.Keeps.V {
		emit("", "none")
	}
	k.many.print(c, emit)
}

// resetCaps is an item whose empty value forgets both lists of capabilities.
type resetCaps struct{ item[Config] }

func (resetCaps) empty(c *Config, _ string, _ plan.Origin) error {
	c.Cap.Drop, c.Cap.Keep, c.Cap.Keeps = nil, nil, Value[bool]{}
	return nil
}

// required is an item whose value cannot be emptied.
type required struct{ item[Config] }

func (required) empty(*Config, string, plan.Origin) error { return errors.New("needs a value") }

// allHooks is the item of lxc.hook, which can only be emptied.
type allHooks struct{}

func (allHooks) set(*Config, string, string, plan.Origin) error {
	return errors.New("must not have a value: it empties all hooks (lxc.hook.STAGE adds one)")
}

func (h allHooks) empty(c *Config, sub string, _ plan.Origin) error {
	h.reset(c, sub, "")
	return nil
}

func (allHooks) reset(c *Config, _, _ string) { c.Hooks = Hooks{Version: c.Hooks.Version} }

func (allHooks) get(*Config, string) (string, error) { return "", errNoValue }

func (allHooks) print(*Config, func(sub, value string)) {}

// include is the item of lxc.include.
type include struct{}

func (include) set(c *Config, _, value string, at plan.Origin) error { return c.include(value, at) }

func (include) empty(*Config, string, plan.Origin) error { return nil }

func (include) reset(*Config, string, string) {}

func (include) get(*Config, string) (string, error) { return "", errNoValue }

func (include) print(*Config, func(sub, value string)) {}

// RootfsPath is the value of lxc.rootfs.path.
type RootfsPath struct {
	Type string // what stands before the first colon: dir, overlay, ...; empty for none
	Path string
}

var rootfsPath = &kind[RootfsPath]{
	parse: func(s string) (RootfsPath, error) {
		before, after, ok := strings.Cut(s, ":")
		if !ok {
			return RootfsPath{Path: cleanPath(s)}, nil
		}
		return RootfsPath{Type: before, Path: cleanPath(after)}, nil
	},
	format: func(r RootfsPath) string {
		if r.Type == "" && !strings.Contains(r.Path, ":") {
			return r.Path
		}
		return r.Type + ":" + r.Path
	},
	show: func(r RootfsPath) string { return r.Path },
}

// rootfsMount is the item of lxc.rootfs.mount, whose default is the program's.
type rootfsMount struct{ *one[Config, string] }

func (r rootfsMount) reset(c *Config, _, name string) {
	c.Rootfs.Mount = Value[string]{c.mount, plan.Origin{Key: name}}
}

func (r rootfsMount) print(c *Config, emit func(sub, value string)) {
	if v := c.Rootfs.Mount.V; v != c.mount {
		emit("", v)
	}
}

var rootfsOptions = &kind[string]{parse: parseRootfsOptions, format: same}

// parseRootfsOptions refuses the words that only a mount entry can have.
func parseRootfsOptions(s string) (string, error) {
	for word := range strings.SplitSeq(s, ",") {
		name, _, _ := strings.Cut(word, "=")
		switch name {
		case "create", "optional", "relative":
			return "", errors.New(strconv.Quote(word) + " is an option of lxc.mount.entry alone")
		}
	}
	return s, nil
}

var idmap = &kind[IDMap]{parse: parseIDMap, format: formatIDMap}

func parseIDMap(s string) (m IDMap, err error) {
	expected := errors.New(strconv.Quote(s) + " is not a map: u|g FIRST-INSIDE FIRST-OUTSIDE COUNT")
	words := strings.Fields(s)
	if len(words) != 4 || words[0] != "u" && words[0] != "g" {
		return m, expected
	}
	m.Kind = words[0][0]
	for i, field := range []*uint32{&m.Inside, &m.Host, &m.Count} {
		if *field, err = parseID(words[i+1]); err != nil {
			return m, expected
		}
	}
	return m, nil
}

func formatIDMap(m IDMap) string {
	return string(m.Kind) + " " + id.format(m.Inside) + " " + id.format(m.Host) + " " + id.format(m.Count)
}

var timeOffset = &kind[TimeOffset]{parse: parseTimeOffset, format: formatTimeOffset}

// timeUnits are the units of a time offset, longest suffix first.
var timeUnits = [...]struct {
	suffix  string
	factor  int64
	seconds bool
}{
	{"ns", 1, false}, {"us", 1e3, false}, {"ms", 1e6, false},
	{"h", 3600, true}, {"m", 60, true}, {"s", 1, true},
}

func parseTimeOffset(s string) (TimeOffset, error) {
	for _, u := range timeUnits {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimRight(digits, " \t"), 10, 64)
		switch {
		case err != nil || n*u.factor/u.factor != n:
		case u.seconds:
			return TimeOffset{Seconds: n * u.factor}, nil
		default:
			return TimeOffset{Nanoseconds: n * u.factor}, nil
		}
		break
	}
	return TimeOffset{}, errors.New(strconv.Quote(s) + " is not a time: a number with unit h, m, s, ms, us or ns")
}

func formatTimeOffset(t TimeOffset) string {
	if t.Seconds != 0 {
		return strconv.FormatInt(t.Seconds, 10) + "s"
	}
	return strconv.FormatInt(t.Nanoseconds, 10) + "ns"
}
