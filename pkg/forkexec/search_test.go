package forkexec

import (
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestExecSearches holds Exec against execvp(3).
func TestExecSearches(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, mode := range map[string]os.FileMode{"denied/tool": 0o644, "here/tool": 0o755, "tool": 0o755, "there/tool": 0o755} {
		dir, _, _ := strings.Cut(name, "/")
		if dir != name {
			os.Mkdir(dir, 0o755)
		}
		script := "#!/bin/sh\necho " + name + " \"$@\"\n"
		if strings.HasPrefix(name, "there") {
			script = "echo by sh: $0 \"$@\"\n"
		}
		if err := os.WriteFile(name, []byte(script), mode); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir("loop", 0o755)
	os.Symlink("tool", "loop/tool")
	for _, c := range []struct {
		name, path string
		want       string // what it prints, or the error
	}{
		{"tool", "PATH=nowhere:here", "here/tool a b"},
		{"tool", "PATH=denied:here", "here/tool a b"},
		{"tool", "PATH=denied:nowhere", "execute tool: permission denied"},
		{"tool", "PATH=denied/tool:nowhere", "execute tool: no such file or directory"},
		{"tool", "PATH=loop:here", "execute tool: too many levels of symbolic links"},
		{"tool", "PATH=there:here", "by sh: there/tool a b"},
		{"tool", "PATH=", "tool a b"},
		{"tool", "PATH=nowhere:", "tool a b"},
		{"tool", "PATH=:here", "tool a b"},
		{"there/tool", "PATH=", "by sh: there/tool a b"},
		{"nowhere/tool", "PATH=here", "execute nowhere/tool: no such file or directory"},
		{"", "PATH=here", "execute : no such file or directory"},
		{"sh", "NOPATH=", ""},
	} {
		argv := []string{c.name, "a", "b"}
		if c.name == "sh" {
			argv = []string{"sh", "-c", ":"}
		}
		if got := execute(t, argv, []string{c.path}); got != c.want {
			t.Errorf("Exec(%q, %s) = %q; want %q", c.name, c.path, got, c.want)
		}
	}
}

// execute gives what a program prints, or the error of its execution.
func execute(t *testing.T, argv, env []string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := New()
	p.Stdio(nil, w, nil)
	p.Prelude()
	p.Exec(argv, env)
	reports, _ := run(t, p)
	w.Close()
	out, _ := io.ReadAll(r)
	for _, report := range reports {
		if report.Kind != Execute {
			return report.Err().Error()
		}
	}
	return strings.TrimSuffix(string(out), "\n")
}

// A script without #! needs a shell; without one it is no program.
func TestExecWithoutShell(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/script", []byte("echo\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := New()
	p.Call("unshare", unix.SYS_UNSHARE, Int(unix.CLONE_NEWNS))
	p.Call("chroot", unix.SYS_CHROOT, p.String(dir))
	p.Exec([]string{"/script"}, nil)
	reports, _ := run(t, p)
	if last := reports[len(reports)-1]; last.Err().Error() != "execute /script: exec format error" {
		t.Errorf("error %v; want ENOEXEC", last.Err())
	}
}
