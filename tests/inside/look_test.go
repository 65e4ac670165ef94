package inside

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/pkg/command"
	"gantry/tests/rig"
)

// look describes the world of the process pid, and of its supervisor. It reads
// from outside as far as it goes, so that nothing has to work inside for a
// difference to be seen.
func look(pid int) view {
	proc := fmt.Sprintf("/proc/%d", pid)
	monitor := "/proc/" + field(read(proc+"/status"), "PPid")
	return view{
		"status":     pick(read(proc+"/status"), "Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Cpus_allowed"),
		"limits":     squeeze(read(proc + "/limits")),
		"environ":    strings.ReplaceAll(read(proc+"/environ"), "\x00", "\n"),
		"cmdline":    strings.ReplaceAll(read(proc+"/cmdline"), "\x00", "\n"),
		"cgroup":     read(proc + "/cgroup"),
		"mounts":     mounts(read(proc + "/mountinfo")),
		"label":      read(proc + "/attr/current"),
		"fds":        descriptors(proc + "/fd"),
		"namespaces": namespaces(proc + "/ns"),
		"dev":        devices(proc + "/root/dev"),
		"network":    ip(pid, "ip -d link; ip addr; ip route show table all; ip -6 route show table all"),
		"hostlinks":  ip(os.Getpid(), "ip -d link"),
		"sysctls":    sysctls(pid),
		"process":    process(proc),
		"maps":       squeeze(read(proc+"/uid_map") + read(proc+"/gid_map") + read(proc+"/setgroups")),
		"limitfiles": cgroupFiles(),
		"seen":       seen(proc + "/root/run/seen"),
		"monitor":    supervisor(monitor),
		"files":      files("/run/case"),
	}
}

// read gives a file's text, or the error in its place.
func read(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return errors.Unwrap(err).Error() + "\n"
	}
	return string(data)
}

// field gives the value of one line of a /proc/PID/status.
func field(status, name string) string {
	_, value, _ := strings.Cut(pick(status, name), ":")
	return strings.TrimSpace(value)
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

var blanks = regexp.MustCompile(`[ \t]+`)

func squeeze(text string) string { return blanks.ReplaceAllString(text, " ") }

// numbered are links to things that the kernel numbers.
var numbered = regexp.MustCompile(`(socket|pipe|anon_inode|mnt|net|pid|user|uts|ipc|cgroup|time):\[\d+\]`)

// descriptors lists open files and what they are.
func descriptors(dir string) string {
	var lines []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(dir, e.Name()))
		lines = append(lines, e.Name()+" "+numbered.ReplaceAllString(target, "$1"))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// namespaces says whose the namespaces of a process are: its own, those of the
// machine outside, or those of the container other.
func namespaces(dir string) string {
	other := "/proc/0"
	if pid, err := command.NewClient(lxcpath, "other").InitPID(); err == nil {
		other = "/proc/" + strconv.Itoa(pid)
	}
	var b strings.Builder
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		link := func(ns string) string { text, _ := os.Readlink(ns + "/" + e.Name()); return text }
		whose := "its own"
		switch link(dir) {
		case link("/proc/self/ns"):
			whose = "outside's"
		case link(other + "/ns"):
			whose = "other's"
		}
		fmt.Fprintf(&b, "%s %s\n", e.Name(), whose)
	}
	return b.String()
}

// process gathers what else is said of a process.
func process(proc string) string {
	cwd, _ := os.Readlink(proc + "/cwd")
	root, _ := os.Readlink(proc + "/root")
	stat := read(proc + "/stat")
	// Fields from state on: pgrp 3, session 4, tty_nr 5, ... nice 17.
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	leads := fields[2] == fields[3] && fields[2] == filepath.Base(proc)
	var b strings.Builder
	fmt.Fprintf(&b, "cwd %s\nroot %s\nleads its session %v\nterminal %v\nnice %s\n", cwd, root, leads, fields[4] != "0", fields[16])
	for _, file := range []string{"oom_score_adj", "personality", "coredump_filter", "timerslack_ns", "loginuid", "timens_offsets"} {
		b.WriteString(file + " " + squeeze(read(proc+"/"+file)) + "\n")
	}
	return b.String()
}

// supervisor describes the parent of the init.
func supervisor(proc string) string {
	cwd, _ := os.Readlink(proc + "/cwd")
	status := read(proc + "/status")
	pinned := pin.MatchString(descriptors(proc + "/fd"))
	return fmt.Sprintf("pins the rootfs %v\n", pinned) + "cmdline " + strings.ReplaceAll(read(proc+"/cmdline"), "\x00", " ") + "\ncomm " + read(proc+"/comm") + "cwd " + cwd +
		"\nparent " + strconv.FormatBool(field(status, "PPid") == "1") + "\n" + pick(status, "Umask", "SigBlk", "SigIgn") +
		read(proc+"/cgroup") + namespaces(proc+"/ns")
}

// pin is a file of the rootfs without a name.
var pin = regexp.MustCompile(`/c/rootfs/[^/]+ \(deleted\)`)

// seen is what the init itself has written down.
func seen(file string) string {
	text := listing.ReplaceAllString(squeeze(read(file)), "$1 $2")
	session, _ := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	text = strings.ReplaceAll(text, fmt.Sprintf("session keyring %d ", session), "session keyring of outside ")
	return keyring.ReplaceAllString(text, "session keyring of its own")
}

// files lists what the start has left in a directory.
func files(dir string) string {
	var lines []string
	for line := range strings.Lines(rig.Tree(dir)) {
		if !strings.HasPrefix(line, " ") { // what is in them is looked at elsewhere
			lines = append(lines, line)
		}
	}
	return pidPath.ReplaceAllString(strings.Join(lines, ""), "/proc/PID/")
}

var pidPath = regexp.MustCompile(`/proc/\d+/`)

// keyring is one with a serial number.
var keyring = regexp.MustCompile(`session keyring \d+`)

// listing is what differs in the lines of ls -l.
var listing = regexp.MustCompile(`(?m)^(l\S+) \d+ \S+ \S+ \d+ .* (\d+ ->|\d+$)`)
