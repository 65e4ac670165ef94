package tool

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/internal/log"
)

// try runs a tool with one option of its own and gives what it printed.
func try(args []string, run func(*Call) error) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	count := 0
	call := newCall(Spec{
		Name:     "lxc-probe",
		Synopsis: "--name=NAME",
		Help:     "Options :\n",
		Options:  []Option{Int("count", 'c', &count)},
		MoreHelp: func() { out.WriteString("more\n") },
	}, &out, &errs)
	code = call.execute(append([]string{"lxc-probe"}, args...), run)
	return code, out.String(), errs.String()
}

func TestExecute(t *testing.T) {
	two := Exit{Code: 2, Err: errors.New("no luck")}
	tests := []struct {
		args   string
		result error
		code   int
		stdout string
		stderr string // how it begins; empty for nothing at all
	}{
		{"--version", nil, 0, "7.0.0\n", ""},
		{"--version --bogus", nil, 0, "7.0.0\n", ""},
		{"-h", nil, 0, "more\n", "Usage: lxc-probe --name=NAME\n\nOptions :\n\nCommon options :\n"},
		{"-h --bogus", nil, 0, "more\n", "Usage: "},
		{"-?", nil, 1, "", "Usage: "},
		{"--usage", nil, 0, "", "Usage: lxc-probe [-c|--count=COUNT] [-n|--name=NAME] [-h|--help] [-?|--help] \n\t[--usage] "},
		{"--bogus -h", nil, 1, "", "lxc-probe: unrecognized option '--bogus'\nUsage: "},
		{"-c x web", nil, 1, "", "lxc-probe: could not parse command line: invalid value \"x\" for option --count: not a number\n"},
		{"-c x -h", nil, 1, "", "lxc-probe: could not parse command line"},
		{"-c 0x10 web", nil, 0, "", ""},
		{"", nil, 1, "", "lxc-probe: No container name specified\n"},
		{"-q", nil, 1, "", ""},
		{"-P /a -P /b web", nil, 1, "", "This command only accepts 1 -P,--lxcpath arguments\n"},
		{"-P /a -P /b -h", nil, 1, "", "This command only accepts 1 -P,--lxcpath arguments\n"},
		{"-h -P /a -P /b", nil, 0, "more\n", "Usage: "},
		{"web", two, 2, "", "lxc-probe: web: no luck\n"},
		{"web", errors.Join(two, errors.New("none at all")), 2, "", "lxc-probe: web: no luck\nlxc-probe: web: none at all\n"},
		{"web", errors.New("no luck"), 1, "", "lxc-probe: web: no luck\n"},
		{"web", Exit{Code: 126}, 126, "", ""},
		{"-q web", two, 2, "", ""},
		{"-q -o none web", two, 2, "", ""},
	}
	for _, test := range tests {
		code, stdout, stderr := try(strings.Fields(test.args), func(*Call) error { return test.result })
		if code != test.code || stdout != test.stdout || !strings.HasPrefix(stderr, test.stderr) || (test.stderr == "" && stderr != "") {
			t.Errorf("lxc-probe %s = %d %q %q; want %d %q %q", test.args, code, stdout, stderr, test.code, test.stdout, test.stderr)
		}
	}
}

func TestName(t *testing.T) {
	tests := []struct{ args, name, operands string }{
		{"web", "web", ""},
		{"-n web x y", "web", "x y"},
		{"web -- -x y", "web", "-x y"},
		{"-n one --name=two", "two", ""},
		{"-- web -n x", "web", "-n x"},
	}
	for _, test := range tests {
		var name, operands string
		try(strings.Fields(test.args), func(c *Call) error {
			name, operands = c.Name, strings.Join(c.Operands, " ")
			return nil
		})
		if name != test.name || operands != test.operands {
			t.Errorf("lxc-probe %s: name %q, operands %q; want %q, %q", test.args, name, operands, test.name, test.operands)
		}
	}
}

func TestLXCPath(t *testing.T) {
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ typed, want string }{
		{"/a/b", "/a/b"},
		{"/a/b//", "/a/b"},
		{"/a//b", "/a//b"}, // the socket's name is made of what was typed
		{"/", "/"},
		{"", "/"},
		{"b", cwd + "/b"},
	}
	for _, test := range tests {
		var got string
		try([]string{"-P", test.typed, "web"}, func(c *Call) error {
			got = c.LXCPath
			return nil
		})
		if got != test.want {
			t.Errorf("-P %q: %q; want %q", test.typed, got, test.want)
		}
	}
}

// -q silences the tool only where no log file is open.
func TestLog(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "deep/down/log")
	beside := filepath.Join(dir, "web/web.log")
	tests := []struct {
		args   []string
		file   string // that receives lines; empty for none
		lines  int
		stderr bool
	}{
		{[]string{"web"}, "", 0, true},
		{[]string{"-q", "web"}, "", 0, false},
		{[]string{"-o", file, "web"}, file, 1, true},
		{[]string{"-q", "-o", file, "web"}, file, 1, true},
		{[]string{"-o", file, "-l", "info", "web"}, file, 2, true},
		{[]string{"-o", file, "-l", "nonsense", "web"}, file, 3, true},
		{[]string{"-o", "none", "-l", "TRACE", "web"}, "", 0, true},
		{[]string{"-P", dir, "-l", "INFO", "-q", "web"}, beside, 2, true},
		{[]string{"-o", "/proc/nowhere/log", "web"}, "", 0, true},
	}
	for _, test := range tests {
		os.Remove(file)
		os.Remove(beside)
		code, _, stderr := try(test.args, func(c *Call) error {
			c.Log.Info("something happened")
			c.Log.Trace("something small happened")
			return errors.New("no luck")
		})
		text, err := os.ReadFile(test.file)
		if test.file != "" && err != nil {
			t.Errorf("lxc-probe %q: %v", test.args, err)
		}
		if lines := strings.Count(string(text), "\n"); code != 1 || lines != test.lines || (stderr != "") != test.stderr {
			t.Errorf("lxc-probe %q = %d %q, %d lines; want 1, stderr %v, %d lines", test.args, code, stderr, lines, test.stderr, test.lines)
		}
	}
	if info, err := os.Stat(beside); err == nil && info.Mode().Perm()&^0o640 != 0 {
		t.Errorf("mode of the log file = %o; want 640", info.Mode().Perm())
	}
}

// The Logger a tool gets drops nothing of level ERROR.
func TestLogLevel(t *testing.T) {
	try([]string{"-l", "debug", "-P", t.TempDir(), "web"}, func(c *Call) error {
		if c.Log.Level != log.Debug {
			t.Errorf("-l debug: level %v; want DEBUG", c.Log.Level)
		}
		return nil
	})
}
