package outside

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/tests/rig"
)

// caseDir is the working directory of every case.
const caseDir = "/run/case"

// caseLimit ends a case that hangs.
const caseLimit = 30 * time.Second

// state lists the directories a case may write to; they are emptied before it
// and described after it. Locks, below /run/lxc, are not compared: C LXC leaves
// them for containers it only looked at.
var state = []string{"/var/lib/lxc", "/var/log/lxc", "/etc/lxc", caseDir}

// An observation is what one run of a case showed, by aspect.
type observation struct {
	aspects map[string]string
	stderr  string // as it was, for reports
}

// aspectOrder is the order of reports.
var aspectOrder = []string{"exit", "stdout", "stderr", "files", "machine"}

// observe runs a case with one toolset, in what starter has made of the
// fixture.
func observe(t *testing.T, tools, starter rig.Toolset, fixture, script string) observation {
	t.Helper()
	clear(t)
	before := rig.Look()
	defer func() {
		if err := before.Restore(); err != nil {
			t.Error(err)
		}
	}()
	if out, status := run(starter, fixture); status != 0 {
		t.Fatalf("%s: fixture %q: exit status %d\n%s", starter.Name, fixture, status, out.String())
	}
	var stdout, stderr bytes.Buffer
	status := runInto(tools, script, &stdout, &stderr)
	settle()
	machine := before.Diff(rig.Look())
	// Gantry's monitor tells that the container has stopped before it leaves its
	// cgroups and frees the name.
	for looks := 0; tools.Name == "gantry" && lingers(machine) && looks < 100; looks++ {
		time.Sleep(10 * time.Millisecond)
		machine = before.Diff(rig.Look())
	}
	if tools.Name == "gantry" && slices.ContainsFunc(machine, emptyMonitor) {
		t.Errorf("gantry left an empty cgroup behind: %v", machine)
	}
	o := observation{stderr: stderr.String(), aspects: map[string]string{
		"exit":    fmt.Sprint(status),
		"stdout":  normalise(tools, stdout.String()),
		"stderr":  phrasesOf(stderr.String()),
		"files":   normalise(tools, collapseLogs(rig.Tree(state...))),
		"machine": normalise(tools, strings.Join(slices.DeleteFunc(machine, tolerated), "\n")),
	}}
	return o
}

// tolerated facts are not compared: processes, which differ in their numbers,
// and the empty cgroups that C LXC leaves behind, now and then.
func tolerated(fact string) bool {
	return strings.Contains(fact, " process ") || emptyMonitor(fact)
}

func emptyMonitor(fact string) bool {
	return strings.HasPrefix(fact, "+ cgroup lxc.monitor.") && !strings.HasSuffix(fact, "busy")
}

// lingers says whether there is an empty monitor's cgroup, or a command socket
// without a monitor.
func lingers(machine []string) bool {
	has := func(prefix, suffix string) bool {
		return slices.ContainsFunc(machine, func(fact string) bool {
			return strings.HasPrefix(fact, prefix) && strings.HasSuffix(fact, suffix)
		})
	}
	return slices.ContainsFunc(machine, emptyMonitor) ||
		has("+ socket ", "/command") && !has("+ cgroup lxc.monitor.", " busy")
}

// clear removes what the last case left.
func clear(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll("/run/lxc"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range state {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if err := os.RemoveAll(dir + "/" + e.Name()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile("/etc/lxc/default.conf", []byte("lxc.net.0.type = empty\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a script and gives everything it wrote.
func run(tools rig.Toolset, script string) (*bytes.Buffer, int) {
	var out bytes.Buffer
	return &out, runInto(tools, script, &out, &out)
}

// runInto runs a script in caseDir with an environment that is the same for
// both toolsets.
func runInto(tools rig.Toolset, script string, stdout, stderr *bytes.Buffer) int {
	ctx, cancel := context.WithTimeout(context.Background(), caseLimit)
	defer cancel()
	shell := tools.Shell(script)
	cmd := exec.CommandContext(ctx, shell.Path, shell.Args[1:]...)
	for _, v := range shell.Env {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "PATH", "GANTRY_RIG":
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HOME=/root", "TERM=vt100", "TEMPLATE=/run/rig/lxc-probe")
	cmd.Dir = caseDir
	cmd.Stdout, cmd.Stderr = stdout, stderr
	// What a case leaves in the background keeps the pipes open; it is killed
	// with its session.
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return -1
	case err == nil || errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay):
		return cmd.ProcessState.ExitCode()
	}
	fmt.Fprintln(stderr, err)
	return -2
}

// settle waits until what the case has set going has come to rest: looks over
// thirty milliseconds show the same.
func settle() {
	last := rig.Look()
	for calm, looks := 0, 0; calm < 3 && looks < 100; looks++ {
		time.Sleep(10 * time.Millisecond)
		now := rig.Look()
		if calm++; last.Diff(now) != nil {
			calm = 0
		}
		last = now
	}
}

// logLine is LXC's format of log files.
var logLine = regexp.MustCompile(`^    lxc-\S+( \S+)? \d{14}\.\d+ +(TRACE|DEBUG|INFO|NOTICE|WARN|ERROR) +\S+ - \S+:\S+:\d+ - .*$`)

// logFile is the description of a file that takes log lines and has none.
var logFile = regexp.MustCompile(`(?m)^(-\S+ (\S+/log|/var/log/lxc/\S+\.log|\S+/lxc/(c|web|new)/(c|web|new)\.log))\n(-|d|l|$)`)

// collapseLogs replaces runs of log lines in a description of files: what a
// log says differs, that it is there and has the format does not.
func collapseLogs(tree string) string {
	var b strings.Builder
	inLog := false
	for line := range strings.Lines(tree) {
		if logLine.MatchString(strings.TrimSuffix(line, "\n")) {
			if !inLog {
				b.WriteString("    (log lines)\n")
			}
			inLog = true
			continue
		}
		inLog = false
		b.WriteString(line)
	}
	return logFile.ReplaceAllString(b.String(), "$1\n    (log lines)\n$5")
}

// volatile lists what differs between any two runs.
var volatile = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`(?m)^\S+ \S+/rootfs/run/up\n`), ""}, // made by the init, sooner or later
	{regexp.MustCompile(`veth[0-9A-Za-z]{6}`), "vethXXXXXX"},
	{regexp.MustCompile(`([0-9a-f]{2}:){5}[0-9a-f]{2}`), "HWADDR"},
	{regexp.MustCompile(`(?m)^(-\S+ /run/case/pid\n    )\d+$`), "${1}PID"},
}

func normalise(tools rig.Toolset, s string) string {
	s = strings.ReplaceAll(s, tools.Dir+"/", "TOOLS/")
	s = strings.ReplaceAll(s, rig.Checkout()+"/.cache/config/", "/usr/share/lxc/config/") // shared configurations of a checkout
	for _, v := range volatile {
		s = v.pattern.ReplaceAllString(s, v.text)
	}
	return s
}

// phrases are what scripts look for in error messages.
var phrases = []string{
	"already exists", "not defined", "is not running", "doesn't exist", "is running", "already running",
	"has clones", "has snapshots", "No container name specified", "Usage: lxc-", "unrecognized option", "invalid option",
	"requires an argument", "is ambiguous", "only accepts 1 -P,--lxcpath",
}

// phrasesOf reduces standard error to whether it is empty and which of the
// phrases it holds.
func phrasesOf(stderr string) string {
	if stderr == "" {
		return "(empty)"
	}
	found := []string{"(text)"}
	for _, p := range phrases {
		if strings.Contains(stderr, p) {
			found = append(found, p)
		}
	}
	return strings.Join(found, "; ")
}
