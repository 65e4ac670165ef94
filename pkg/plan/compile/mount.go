package compile

import (
	"strconv"
	"strings"

	"gantry/pkg/config"
	"gantry/pkg/plan"
	"gantry/pkg/storage"
)

// rootfs says where the rootfs comes from.
func (m *compiler) rootfs() error {
	r := m.c.Rootfs
	if r.Path.V.Path == "" {
		return nil
	}
	if t := r.Path.V.Type; !storage.Built(t) {
		return fail(r.Path.Origin, strconv.Quote(t), " is not a type of rootfs (dir:/PATH)")
	}
	if r.Mount.V == "" {
		return fail(r.Mount.Origin, "is empty: there is nowhere to mount the rootfs")
	}
	o, err := parseOptions(r.Options.V)
	if err != nil {
		return &config.Error{Origin: r.Options.Origin, Err: err}
	}
	if o.IDMap == "container" && !m.makes("user") {
		return fail(r.Options.Origin, "idmap=container needs a user namespace (lxc.idmap)")
	}
	o.Bind, o.Recursive, o.SuperFlags = true, true, 0
	m.plan.Rootfs = plan.Rootfs{
		Path:    r.Path.V.Path,
		Type:    r.Path.V.Type,
		Mount:   r.Mount.V,
		Options: o.MountOptions,
		Pin:     !m.makes("user"),
		Origin:  r.Path.Origin,
	}
	return nil
}

// entries are the steps of lxc.mount.fstab, lxc.mount.entry, the mount tunnel
// and the helpers of nested containers. The id-mapped ones come last.
func (m *compiler) entries() ([]plan.Step, error) {
	lines, err := m.fstab()
	if err != nil {
		return nil, err
	}
	lines = append(lines, m.c.Mount.Entry...)
	if t := m.c.Mount.Auto; t.V.Shmounts.Host != "" {
		lines = append(lines, config.Value[string]{
			V:      escape(t.V.Shmounts.Host) + " " + escape(strings.Trim(t.V.Shmounts.Inside, "/")) + " none bind,create=dir 0 0",
			Origin: t.Origin,
		})
	}
	if n := m.c.AppArmor.AllowNesting; n.V {
		for _, helper := range nestingHelpers {
			lines = append(lines, config.Value[string]{V: helper, Origin: n.Origin})
		}
	}
	var steps, mapped []plan.Step
	for _, line := range lines {
		entry, err := m.entry(line)
		if err != nil {
			return nil, err
		}
		for _, s := range entry {
			if s.Options.IDMap != "" {
				mapped = append(mapped, s)
			} else {
				steps = append(steps, s)
			}
		}
	}
	return append(steps, mapped...), nil
}

// nestingHelpers are an unrestricted proc and sysfs: without them the kernel
// lets nobody mount these file systems in a nested user namespace.
var nestingHelpers = []string{
	"proc dev/.lxc/proc proc create=dir,optional 0 0",
	"sys dev/.lxc/sys sysfs create=dir,optional 0 0",
}

// fstab reads the lines of the file lxc.mount.fstab names.
func (m *compiler) fstab() (lines []config.Value[string], err error) {
	f := m.c.Mount.Fstab
	if f.V == "" {
		return nil, nil
	}
	data, err := m.ReadFile(f.V)
	if err != nil {
		return nil, &config.Error{Origin: f.Origin, Err: err}
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			lines = append(lines, config.Value[string]{V: line, Origin: plan.Origin{File: f.V, Line: number, Key: f.Origin.Key}})
		}
	}
	return lines, nil
}

// entry makes the steps of one line: SOURCE TARGET TYPE OPTIONS.
func (m *compiler) entry(line config.Value[string]) ([]plan.Step, error) {
	if strings.HasPrefix(line.V, "#") {
		return nil, nil
	}
	fields := strings.Fields(line.V)
	if len(fields) < 3 {
		return nil, fail(line.Origin, strconv.Quote(line.V), " is not a mount: SOURCE TARGET TYPE OPTIONS")
	}
	var field string
	if len(fields) > 3 {
		field = unescape(fields[3])
	}
	o, err := parseOptions(field)
	if err != nil {
		return nil, &config.Error{Origin: line.Origin, Err: err}
	}
	s := plan.Step{
		Op:       plan.OpMount,
		In:       plan.Inside,
		Source:   unescape(fields[0]),
		FSType:   unescape(fields[2]),
		Options:  o.MountOptions,
		Optional: o.optional,
		Relative: o.relative,
		Origin:   line.Origin,
	}
	switch {
	case o.IDMap != "" && (!o.Bind || s.FSType != "none"):
		return nil, fail(line.Origin, "an id-mapped mount is a bind mount of type none (SOURCE TARGET none bind,idmap=...)")
	case o.IDMap == "container" && !m.makes("user"):
		return nil, fail(line.Origin, "idmap=container needs a user namespace (lxc.idmap)")
	case o.Bind && !o.Remount:
		s.FSType = ""
	}
	var ok bool
	if s.Path, ok = m.target(unescape(fields[1])); !ok {
		m.Log.Warn(line.Origin.String(), ": ignoring mount point ", strconv.Quote(unescape(fields[1])))
		return nil, nil
	}
	return append(m.overlayDirs(s), s), nil
}

// target gives the path inside the container of a mount point. An absolute one
// names the rootfs as the host sees it; one that does not is not ours.
func (m *compiler) target(point string) (string, bool) {
	if !strings.HasPrefix(point, "/") || m.plan.Rootfs.Path == "" {
		return strings.Trim(point, "/"), true
	}
	for _, prefix := range []string{m.DefaultLXCPath + "/" + m.Name + "/rootfs", m.plan.Rootfs.Path} {
		if i := strings.Index(point, prefix); i >= 0 {
			return strings.Trim(point[i+len(prefix):], "/"), true
		}
	}
	return "", false
}

// overlayDirs makes the directories an overlay writes to, if they belong to the
// container: a clone or a new container may not have them yet.
func (m *compiler) overlayDirs(s plan.Step) (steps []plan.Step) {
	if s.FSType != "overlay" && s.FSType != "overlayfs" {
		return nil
	}
	own := m.LXCPath + "/" + m.Name + "/"
	for option := range strings.SplitSeq(s.Options.Data, ",") {
		name, dir, _ := strings.Cut(option, "=")
		if (name == "upperdir" || name == "workdir") && strings.HasPrefix(dir, own) && !strings.HasPrefix(dir, own+"rootfs") {
			steps = append(steps, plan.Step{Op: plan.OpMkdir, Path: dir, Mode: 0o755, Optional: s.Optional, Origin: s.Origin})
		}
	}
	return steps
}

// The characters that stand escaped in an fstab, as getmntent(3) knows them.
var (
	unescaper = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	escaper   = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)
)

func unescape(field string) string { return unescaper.Replace(field) }

func escape(field string) string { return escaper.Replace(field) }
