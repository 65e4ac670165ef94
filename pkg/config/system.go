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

// systemKeys are the items of lxc.conf that mean something here, with their
// defaults.
var systemKeys = []struct {
	name string
	def  func(*paths.Paths) string
}{
	{"lxc.default_config", func(p *paths.Paths) string { return p.DefaultConfig }},
	{"lxc.lxcpath", func(p *paths.Paths) string { return p.LXCPath }},
	{"lxc.cgroup.use", func(*paths.Paths) string { return "" }},
	{"lxc.cgroup.pattern", func(*paths.Paths) string { return "" }},
}

// LoadSystem reads lxc.conf, which need not exist.
func LoadSystem(p *paths.Paths) (*System, error) {
	data, err := os.ReadFile(p.SystemConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &System{lines: splitLines(string(data)), paths: p}, nil
}

// item gives the value of an item: that of the file's first line for it, or
// its default. ok is false when it has neither, or is unknown.
func (s *System) item(name string) (value string, ok bool) {
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

// LXCPath is the directory of containers unless -P names another.
func (s *System) LXCPath() string { v, _ := s.item("lxc.lxcpath"); return v }

// DefaultConfig is the file a new container's configuration begins with.
func (s *System) DefaultConfig() string { v, _ := s.item("lxc.default_config"); return v }

// CgroupPattern is lxc.cgroup.pattern with %n replaced by a container's name;
// empty when it is not set.
func (s *System) CgroupPattern(name string) string {
	v, _ := s.item("lxc.cgroup.pattern")
	return strings.ReplaceAll(v, "%n", name)
}

// CgroupUse lists the controllers of lxc.cgroup.use; nil stands for all.
func (s *System) CgroupUse() []string {
	v, ok := s.item("lxc.cgroup.use")
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
