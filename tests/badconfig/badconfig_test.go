package badconfig

import (
	"bytes"
	_ "embed"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gantry/tests/rig"
)

//go:embed cases.txt
var cases string

// config is the configuration of the container under test.
const config = "/var/lib/lxc/c/config"

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	os.Exit(m.Run())
}

func TestBadConfigurations(t *testing.T) {
	for line := range strings.Lines(cases) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		pattern, added, ok := strings.Cut(strings.TrimLeft(rest, " "), " ")
		if !ok {
			t.Fatalf("cases.txt: %s: want three columns", name)
		}
		t.Run(name, func(t *testing.T) { check(t, pattern, strings.Split(strings.TrimSpace(added), "|")) })
	}
}

// check starts a container with the added lines and looks at how that fails.
func check(t *testing.T, pattern string, added []string) {
	if err := os.RemoveAll("/var/lib/lxc/c"); err != nil {
		t.Fatal(err)
	}
	restore := rig.Look().Restore
	t.Cleanup(func() { restore() }) // after Watch has looked
	rig.Watch(t)
	var lines, scripts []string
	for _, a := range added {
		if script, ok := strings.CutPrefix(a, "!"); ok {
			scripts = append(scripts, script)
		} else {
			lines = append(lines, a)
		}
	}
	if err := rig.Define("/var/lib/lxc", "c"); err != nil {
		t.Fatal(err)
	}
	first := appendLines(t, lines)
	for _, s := range scripts {
		if out, err := rig.Ours().Shell(s).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", s, err, out)
		}
	}
	before := rig.Tree("/var/lib/lxc", "/var/log/lxc")

	var stdout, stderr bytes.Buffer
	start := rig.Ours().Shell("exec lxc-start -n c")
	start.Stdout, start.Stderr = &stdout, &stderr
	began := time.Now()
	start.Run()
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v; want under a second", took)
	}
	if got := start.ProcessState.ExitCode(); got != 1 {
		t.Errorf("exit status %d; want 1", got)
	}
	if stdout.Len() > 0 {
		t.Errorf("standard output %q; want nothing", &stdout)
	}
	pattern = strings.ReplaceAll(strings.ReplaceAll(pattern, `\s`, " "), "@", regexp.QuoteMeta(config)+":"+strconv.Itoa(first))
	want := regexp.MustCompile(`^lxc-start: c: .*` + pattern)
	if got := strings.TrimSuffix(stderr.String(), "\n"); !want.MatchString(got) || strings.Contains(got, "\n") {
		t.Errorf("%s\nstandard error is\n%s\nwant one line matching\n%v", strings.Join(added, "\n"), got, want)
	}
	if after := rig.Tree("/var/lib/lxc", "/var/log/lxc"); after != before {
		t.Errorf("the start changed files:\n%s\nbefore:\n%s", after, before)
	}
}

// appendLines adds lines to the configuration and gives the number of the
// first.
func appendLines(t *testing.T, lines []string) int {
	t.Helper()
	data, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.Count(data, []byte("\n")) + 1
	data = append(data, strings.Join(lines, "\n")+"\n"...)
	if err := os.WriteFile(config, data, 0o640); err != nil {
		t.Fatal(err)
	}
	return first
}
