package inside

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mounts describes a mountinfo without its numbers, by mount points; of those
// on one point the last is on top. Each line tells the mount it lies on.
func mounts(info string) string {
	point := map[string]string{}
	for line := range strings.Lines(info) {
		if fields := strings.Fields(line); len(fields) > 5 {
			point[fields[0]] = fields[4]
		}
	}
	var lines []string
	for line := range strings.Lines(info) {
		fields := strings.Fields(line)
		dash := slices.Index(fields, "-")
		if dash < 6 || len(fields) < dash+4 {
			continue
		}
		var tags []string
		for _, tag := range fields[6:dash] {
			name, _, _ := strings.Cut(tag, ":")
			tags = append(tags, name)
		}
		lines = append(lines, fmt.Sprintf("%s on %s root=%s %s [%s] %s %s %s", fields[4], point[fields[1]], fields[3], fields[5],
			strings.Join(tags, " "), fields[dash+1], fields[dash+2], fields[dash+3]))
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		a, _, _ = strings.Cut(a, " ")
		b, _, _ = strings.Cut(b, " ")
		return strings.Compare(a, b)
	})
	return strings.Join(lines, "\n")
}

// devices lists a /dev: mode, owner, kind and number or target of each file. Of
// what is mounted there, only devpts is gone through.
func devices(dev string) string {
	var b strings.Builder
	var top unix.Stat_t
	unix.Lstat(dev, &top)
	filepath.WalkDir(dev, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		name := strings.TrimPrefix(path, dev)
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			fmt.Fprintf(&b, "%s %v\n", name, err)
			return nil
		}
		var detail string
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			target := make([]byte, 256)
			n, _ := unix.Readlink(path, target)
			detail = string(target[:max(n, 0)])
		case unix.S_IFCHR, unix.S_IFBLK:
			detail = fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
		}
		fmt.Fprintf(&b, "%s %o %d:%d %s\n", name, st.Mode, st.Uid, st.Gid, detail)
		if d.IsDir() && st.Dev != top.Dev && name != "/pts" {
			return filepath.SkipDir
		}
		return nil
	})
	return b.String()
}

// limitFiles are the files of cgroups whose values are compared.
var limitFiles = []string{"pids.max", "memory.limit_in_bytes", "memory.max", "cpu.shares", "cpu.weight", "cpuset.cpus",
	"cpuset.mems", "devices.list", "freezer.state", "cgroup.clone_children"}

// cgroupFiles describes the container's cgroups on every hierarchy: their
// directories and delegated files with mode and owner, and the limits.
func cgroupFiles() string {
	var b strings.Builder
	filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !strings.Contains(path, "/lxc.") && !strings.Contains(path, "/mine"):
			return nil
		case strings.Contains(path, "lxc.pivot") || strings.Contains(path, "other"):
			return filepath.SkipDir
		}
		var st unix.Stat_t
		if unix.Lstat(path, &st) != nil {
			return nil
		}
		switch {
		case d.IsDir() || st.Uid != 0 || st.Gid != 0:
			fmt.Fprintf(&b, "%s %o %d:%d\n", path, st.Mode, st.Uid, st.Gid)
		case slices.Contains(limitFiles, d.Name()) && !strings.Contains(path, "lxc.monitor"):
			fmt.Fprintf(&b, "%s = %s", path, read(path))
		}
		return nil
	})
	return b.String()
}
