// Package help compares what the tools say about themselves, and how they
// complain about a command line, with C LXC's: usage lines and getopt's
// complaints to the byte, the help by its layout and the options it lists. The
// words of the help are our own.
package help

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gantry/tests/rig"
)

func TestMain(m *testing.M) {
	rig.Build()
	os.Exit(m.Run())
}

// tools are those that exist in both toolsets, with the options that LXC got
// after the release that is compared with.
var tools = []struct {
	name  string
	newer []string
}{
	{"lxc-attach", nil},
	{"lxc-console", nil},
	{"lxc-create", []string{"-9|--rbduser=RBDUSER", "--rbduser=RBDUSER"}},
	{"lxc-destroy", nil},
	{"lxc-start", nil},
	{"lxc-stop", nil},
}

// say runs a tool under its plain name and gives what it prints on standard
// error, and its exit status.
func say(t *testing.T, set rig.Toolset, tool string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(set.Dir, tool), args...)
	cmd.Args[0] = tool
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if stdout.Len() > 0 {
		t.Errorf("%s %s %q prints %q on standard output; want nothing", set.Name, tool, args, stdout.String())
	}
	return stderr.String(), cmd.ProcessState.ExitCode()
}

func TestUsage(t *testing.T) {
	for _, tool := range tools {
		want, _ := say(t, rig.Real(), tool.name, "--usage")
		got, status := say(t, rig.Ours(), tool.name, "--usage")
		if len(tool.newer) > 0 { // which moves the line breaks
			want, got = options(want, nil), options(got, tool.newer)
		}
		if got != want || status != 0 {
			t.Errorf("%s --usage = %q, %d; want %q, 0", tool.name, got, status, want)
		}
	}
}

// options gives the options of a usage text, one a line, without the newer ones.
func options(usage string, newer []string) string {
	all := regexp.MustCompile(`\[(-[^ ]*)\] `).FindAllStringSubmatch(usage, -1)
	var kept []string
	for _, option := range all {
		if !slices.Contains(newer, option[1]) {
			kept = append(kept, option[1])
		}
	}
	return strings.Join(kept, "\n")
}

func TestHelp(t *testing.T) {
	for _, tool := range tools {
		for args, status := range map[string]int{"--help": 0, "-h": 0, "-?": 1} {
			want, _ := say(t, rig.Real(), tool.name, args)
			got, gotStatus := say(t, rig.Ours(), tool.name, args)
			want, got = outline(want, nil), outline(got, tool.newer)
			if got != want || gotStatus != status {
				t.Errorf("%s %s: outline %s\n%d; want %s\n%d", tool.name, args, got, gotStatus, want, status)
			}
		}
	}
}

// outline gives the lines of a help text that are not prose: its first, headings,
// options with their indentation. C LXC's last names a man page, which Gantry does
// not have yet.
func outline(help string, newer []string) string {
	line := regexp.MustCompile(`(?m)^(Usage: .*|  ?[A-Z].*:$|[A-Z].*:$| +(-., )?--[^ \n]*( KEY=VAL)?)`)
	var kept []string
	for _, found := range line.FindAllString(help, -1) {
		if !slices.Contains(newer, strings.TrimSpace(found)) {
			kept = append(kept, found)
		}
	}
	return strings.Join(kept, "\n")
}

func TestComplaints(t *testing.T) {
	for _, tool := range tools {
		for _, line := range []string{
			"--bogus", "--bogus=1", "-y", "-qy", "-n", "-qn", "--name", "--nam", "--quiet=1", "--quie=", "--lo=x", "--l",
			"--lxcpat", "--hel", "--=x", "-q=", "web --bogus", "-P", "-P /a -P /b", "-q -P /a -P /b", "",
			"-n web -?", "-q",
		} {
			args := strings.Fields(line)
			want, wantStatus := say(t, rig.Real(), tool.name, args...)
			got, status := say(t, rig.Ours(), tool.name, args...)
			want, got = complaint(want), complaint(got)
			if line == "--=x" && len(tool.newer) > 0 {
				want, got = "", "" // lists all options
			}
			if got != want || status != wantStatus {
				t.Errorf("%s %s = %q, %d; want %q, %d", tool.name, line, got, status, want, wantStatus)
			}
		}
	}
}

// complaint is the line before the help.
func complaint(stderr string) string {
	first, _, _ := strings.Cut(stderr, "\n")
	return first
}
