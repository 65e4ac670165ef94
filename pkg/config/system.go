package config

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"gantry/internal/paths"
)

// System is the system configuration, lxc.conf.
type System struct {
	lines []string
	paths *paths.Paths
}

// systemKeys are the items of lxc.conf in the order lxc-config lists them.
var systemKeys = []struct {
	name   string
	def    func(*paths.Paths) string
	hidden bool // not listed, though known
}{
	{"lxc.default_config", func(p *paths.Paths) string { return p.DefaultConfig }, false},
	{"lxc.lxcpath", func(p *paths.Paths) string { return p.LXCPath }, false},
	{"lxc.bdev.lvm.vg", func(*paths.Paths) string { return "lxc" }, false},
	{"lxc.bdev.lvm.thin_pool", func(*paths.Paths) string { return "lxc" }, false},
	{"lxc.bdev.zfs.root", func(*paths.Paths) string { return "lxc" }, false},
	{"lxc.bdev.rbd.rbdpool", func(*paths.Paths) string { return "lxc" }, true},
	{"lxc.bdev.rbd.rbduser", func(*paths.Paths) string { return "admin" }, true},
	{"lxc.cgroup.use", func(*paths.Paths) string { return "" }, false},
	{"lxc.cgroup.pattern", func(*paths.Paths) string { return "" }, false},
}

// LoadSystem reads lxc.conf, which need not exist.
func LoadSystem(p *paths.Paths) (*System, error) {
	data, err := os.ReadFile(p.SystemConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &System{lines: splitLines(string(data)), paths: p}, nil
}

// SystemKeys lists the items lxc-config shows, in its order.
func SystemKeys() []string {
	var names []string
	for _, k := range systemKeys {
		if !k.hidden {
			names = append(names, k.name)
		}
	}
	return names
}

// Item gives the value of an item: that of the file's first line for it, or
// its default. ok is false when it has neither, or is unknown.
func (s *System) Item(name string) (value string, ok bool) {
	for _, k := range systemKeys {
		if k.name != name {
			continue
		}
		value, ok := s.line(name)
		if !ok {
			value = k.def(s.paths)
		}
		if name == "lxc.lxcpath" {
			value = strings.TrimRight(value, "/")
		}
		return value, value != ""
	}
	return "", false
}

// Lookup finds the first item whose name begins with word, as lxc-config does.
// known is false when there is none; an item without a value has "".
func (s *System) Lookup(word string) (value string, known bool) {
	for _, name := range SystemKeys() {
		if strings.HasPrefix(name, word) {
			value, _ := s.Item(name)
			return value, true
		}
	}
	return "", false
}

// LXCPath is the directory of containers unless -P names another.
func (s *System) LXCPath() string { v, _ := s.Item("lxc.lxcpath"); return v }

// DefaultConfig is the file a new container's configuration begins with.
func (s *System) DefaultConfig() string { v, _ := s.Item("lxc.default_config"); return v }

// CgroupPattern is lxc.cgroup.pattern with %n replaced by a container's name;
// empty when it is not set.
func (s *System) CgroupPattern(name string) string {
	v, _ := s.Item("lxc.cgroup.pattern")
	return strings.ReplaceAll(v, "%n", name)
}

// CgroupUse lists the controllers of lxc.cgroup.use; nil stands for all.
func (s *System) CgroupUse() []string {
	v, ok := s.Item("lxc.cgroup.use")
	if !ok {
		return nil
	}
	return splitCommas(v)
}

// line finds the first line for an item. Quotes and comments behind a value
// belong to the value.
func (s *System) line(name string) (string, bool) {
	for _, line := range s.lines {
		if strings.HasPrefix(line, "#") {
			continue
		}
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), name)
		if !ok {
			continue
		}
		if value, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "="); ok {
			return strings.TrimLeft(value, " \t"), true
		}
	}
	return "", false
}
