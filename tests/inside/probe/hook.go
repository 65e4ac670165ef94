package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A record is what a hook writes down, as lines `ASPECT NAME TEXT`.
type record struct {
	name string
	text strings.Builder
}

func (r *record) line(aspect string, words ...any) {
	r.text.WriteString(aspect + " " + r.name + " " + strings.TrimSuffix(fmt.Sprintln(words...), "\n") + "\n")
}

// runHook writes down how it was called, and fails if /run/trace/fail names it.
func runHook(name string) {
	r := &record{name: name}
	r.place() // before it has files of its own
	r.line("argv", bracketed(os.Args)...)
	env := os.Environ()
	slices.Sort(env)
	for _, e := range env {
		r.line("env", e)
	}
	r.text.WriteString("order " + name + "\n")
	log, err := os.OpenFile("/run/trace/log", os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = log.WriteString(r.text.String())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(4)
	}
	if failing, _ := os.ReadFile("/run/trace/fail"); strings.TrimSpace(string(failing)) == name {
		fmt.Println(name, "does not like it")
		os.Exit(3)
	}
}

func bracketed(words []string) (list []any) {
	for _, w := range words {
		list = append(list, "["+w+"]")
	}
	return list
}

// place says where the hook runs, and as whom.
func (r *record) place() {
	for fd := range 10 {
		if target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil {
			flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
			r.line("place", "fd", fd, target, "access", flags&unix.O_ACCMODE)
		}
	}
	cwd, _ := os.Readlink("/proc/self/cwd")
	mask := unix.Umask(0)
	unix.Umask(mask)
	groups, _ := os.Getgroups()
	r.line("place", "cwd", cwd)
	r.line("place", fmt.Sprintf("umask %03o", mask))
	r.line("place", "ids", os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid(), groups)
	for _, kind := range strings.Fields("cgroup ipc mnt net pid pid_for_children time user uts") {
		target, _ := os.Readlink("/proc/self/ns/" + kind)
		r.line("place", kind, target)
	}
	for line := range lines("/proc/self/status") {
		if key, _, _ := strings.Cut(line, ":"); strings.Contains("SigBlk SigIgn CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp", key) {
			r.line("place", line)
		}
	}
	for line := range lines("/proc/self/mountinfo") {
		if f := strings.Fields(line); len(f) > 6 && f[4] == "/" {
			r.line("place", "root", f[5], f[6])
		}
	}
	if mount := os.Getenv("LXC_ROOTFS_MOUNT"); exists(mount + "/sbin") {
		for _, pattern := range []string{"s*", "dev/*", "proc/sysrq*", "mnt/*"} {
			found, _ := filepath.Glob(mount + "/" + pattern)
			r.line("place", "mounted", strings.ReplaceAll(strings.Join(found, " "), mount, ""))
		}
	}
	var paths []string
	for line := range lines("/proc/self/cgroup") {
		paths = append(paths, line[strings.LastIndexByte(line, ':')+1:])
	}
	slices.Sort(paths)
	r.line("place", "cgroups", slices.Compact(paths))
}

// lines goes through a file's lines.
func lines(file string) func(func(string) bool) {
	data, _ := os.ReadFile(file)
	return strings.SplitSeq(strings.TrimSpace(string(data)), "\n")
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }
