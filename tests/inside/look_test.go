package inside

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A view is what one init sees, by aspect.
type view map[string]string

// look describes the world of the process pid. It reads from outside, so that
// nothing has to work inside for a difference to be seen.
func look(pid int) view {
	proc := fmt.Sprintf("/proc/%d", pid)
	return view{
		"status":     pick(read(proc+"/status"), "Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Cpus_allowed"),
		"limits":     squeeze(read(proc + "/limits")),
		"environ":    sorted(strings.ReplaceAll(read(proc+"/environ"), "\x00", "\n")),
		"cmdline":    strings.ReplaceAll(read(proc+"/cmdline"), "\x00", "\n"),
		"cgroup":     read(proc + "/cgroup"),
		"mounts":     mounts(read(proc + "/mountinfo")),
		"label":      read(proc + "/attr/current"),
		"fds":        descriptors(proc + "/fd"),
		"namespaces": namespaces(proc + "/ns"),
		"dev":        devices(proc + "/root/dev"),
		"links":      ip(pid, "-d", "link"),
		"addresses":  ip(pid, "addr"),
		"routes":     ip(pid, "route", "show", "table", "all"),
		"routes6":    ip(pid, "-6", "route", "show", "table", "all"),
		"hostlinks":  ip(os.Getpid(), "-d", "link"),
		"sysctls":    sysctls(pid),
		"process":    process(proc),
		"maps":       squeeze(read(proc+"/uid_map") + read(proc+"/gid_map") + read(proc+"/setgroups")),
		"limitfiles": cgroupFiles(),
	}
}

// read gives a file's text, or the error in its place.
func read(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error() + "\n"
	}
	return string(data)
}

// pick keeps the lines of a /proc/PID/status that begin with the given names.
func pick(status string, names ...string) string {
	var b strings.Builder
	for line := range strings.Lines(status) {
		if name, _, _ := strings.Cut(line, ":"); slices.Contains(names, name) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func sorted(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

var blanks = regexp.MustCompile(`[ \t]+`)

func squeeze(text string) string { return blanks.ReplaceAllString(text, " ") }

// mounts describes a mountinfo without its numbers, in the order of mount
// points.
func mounts(info string) string {
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
		lines = append(lines, fmt.Sprintf("%s root=%s %s [%s] %s %s %s", fields[4], fields[3], fields[5], strings.Join(tags, " "),
			fields[dash+1], fields[dash+2], fields[dash+3]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// descriptors lists open files and what they are.
func descriptors(dir string) string {
	var lines []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(dir, e.Name()))
		lines = append(lines, e.Name()+" "+target)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// namespaces says which namespaces are its own and which are those outside.
func namespaces(dir string) string {
	var b strings.Builder
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		own, _ := os.Readlink(filepath.Join(dir, e.Name()))
		outside, _ := os.Readlink("/proc/self/ns/" + e.Name())
		whose := "its own"
		if own == outside {
			whose = "outside's"
		}
		fmt.Fprintf(&b, "%s %s\n", e.Name(), whose)
	}
	return b.String()
}

// devices lists a /dev: mode, owner, kind and number or target of each file.
func devices(dev string) string {
	var b strings.Builder
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
		detail := ""
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			detail, _ = os.Readlink(path)
		case unix.S_IFCHR, unix.S_IFBLK:
			detail = fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
		}
		fmt.Fprintf(&b, "%s %o %d:%d %s\n", name, st.Mode, st.Uid, st.Gid, detail)
		return nil
	})
	return b.String()
}

// numbers are what differs in ip's output from one time to the next.
var numbers = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`(?m)^\d+: `), ""},
	{regexp.MustCompile(`@if\d+`), "@if"},
	{regexp.MustCompile(`veth\w{6}`), "vethXXXXXX"},
	{regexp.MustCompile(`link-netnsid \d+`), "link-netnsid N"},
	{regexp.MustCompile(`(port_no|port_id|designated_port|timer) \S+ `), ""},
	{regexp.MustCompile(`(hello|tcn|topology_change|gc|hold|message_age|forward_delay)_timer +\S+`), ""},
	{regexp.MustCompile(`fe80::\S+`), "LINKLOCAL"},
	{regexp.MustCompile(`ff02::\S+`), "MULTICAST"},
	{regexp.MustCompile(`link/ether (.[^0]|0[^0]|00:[^1]|00:1[^6])\S+`), "link/ether RANDOM"},
	{regexp.MustCompile(`(bridge_id|designated_root|designated_bridge) \S+`), "$1"},
	{regexp.MustCompile(` tentative| (NO-CARRIER|LOWER_UP)`), ""},
}

// ip gives the output of ip(8) in the network namespace of a process.
func ip(pid int, args ...string) string {
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(pid), "-n", "ip"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	text := string(out)
	for _, n := range numbers {
		text = n.pattern.ReplaceAllString(text, n.text)
	}
	return squeeze(text)
}

// sysctls gives some values as a process in the same uts, ipc and network
// namespaces reads them.
func sysctls(pid int) string {
	files := strings.Fields("kernel/hostname kernel/domainname kernel/msgmax kernel/shmmax fs/mqueue/msg_max net/ipv4/ip_forward net/ipv6/conf/all/disable_ipv6")
	for i, f := range files {
		files[i] = "/proc/sys/" + f
	}
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(pid), "-u", "-i", "-n", "grep", ""}, files...)...)
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// process gathers what else is said of a process.
func process(proc string) string {
	cwd, _ := os.Readlink(proc + "/cwd")
	root, _ := os.Readlink(proc + "/root")
	stat := read(proc + "/stat")
	// Fields from state on: pgrp 3, session 4, tty_nr 5, ... nice 17.
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	leads := fields[2] == fields[3] && fields[2] == filepath.Base(proc)
	return fmt.Sprintf("cwd %s\nroot %s\nleads its session %v\nterminal %v\nnice %s\noom_score_adj %spersonality %scoredump_filter %stimerslack %s",
		cwd, root, leads, fields[4] != "0", fields[16], read(proc+"/oom_score_adj"), read(proc+"/personality"), read(proc+"/coredump_filter"), read(proc+"/timerslack_ns"))
}

// cgroupFiles describes the container's cgroups on every hierarchy: their
// directories with mode and owner, and the files that limits go to.
func cgroupFiles() string {
	limits := []string{"pids.max", "memory.limit_in_bytes", "memory.max", "cpu.shares", "cpu.weight", "cpuset.cpus", "devices.list", "freezer.state", "cgroup.clone_children"}
	var b strings.Builder
	filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.Contains(path, "/lxc.") && !strings.Contains(path, "/mine") {
			return nil
		}
		if strings.Contains(path, "lxc.pivot") {
			return filepath.SkipDir
		}
		var st unix.Stat_t
		if unix.Lstat(path, &st) != nil {
			return nil
		}
		switch {
		case d.IsDir() || st.Uid != 0:
			fmt.Fprintf(&b, "%s %o %d:%d\n", path, st.Mode, st.Uid, st.Gid)
		case slices.Contains(limits, d.Name()) && !strings.Contains(path, "lxc.monitor"):
			fmt.Fprintf(&b, "%s = %s", path, read(path))
		}
		return nil
	})
	return b.String()
}
