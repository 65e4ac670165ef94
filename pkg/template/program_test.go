package template

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/paths"
)

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lxc-test")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("CALLERS", "yes")
	path := script(t, `#!/bin/sh
echo "$@" > args
echo "$CALLERS $(env | grep -c ^LXC_)" > env
mount -t tmpfs tmpfs "$PWD"
umask > umask
`)
	if err := (Program{Path: path, Args: []string{"--path=/p", "a b"}}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := content(t, "args"); got != "--path=/p a b\n" {
		t.Errorf("args = %q", got)
	}
	if got := content(t, "env"); got != "yes 0\n" {
		t.Errorf("env = %q; want the caller's and no LXC_*", got)
	}
	if mounts := content(t, "/proc/self/mountinfo"); strings.Contains(mounts, dir) {
		t.Error("the program's mount is seen outside")
	}
	if err := (Program{Path: script(t, "#!/bin/sh\nexit 3")}).Run(context.Background()); err == nil || !strings.Contains(err.Error(), "lxc-test exited with status 3") {
		t.Errorf("Run of one that fails = %v; want its status", err)
	}
	if err := (Program{Path: script(t, "exit 0")}).Run(context.Background()); err != nil {
		t.Errorf("Run of a script without #! = %v; want nil", err)
	}
}

func TestProgramInAUserNamespace(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := errors.Join(os.Chmod(dir, 0o777), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	path := script(t, "#!/bin/sh\nid -u > id; cat /proc/self/uid_map >> id; chown 5:5 id; grep CapEff /proc/self/status > caps\n")
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (Program{Path: path, IDMap: shifted}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(content(t, "id")); len(got) != 4 || got[0] != "0" || got[2] != "100000" {
		t.Errorf("id = %q; want 0 and 0 100000 65536", got)
	}
	if got := content(t, "caps"); strings.Contains(got, "0000000000000000") {
		t.Errorf("caps = %q; want all", got)
	}
	var st unix.Stat_t
	if err := unix.Stat("id", &st); err != nil || st.Uid != 100005 {
		t.Errorf("chown 5 made %d outside, %v; want 100005", st.Uid, err)
	}
}

// A template that lets go of its children is no reason to leave them behind.
func TestProgramIsKilledWithAll(t *testing.T) {
	t.Chdir(t.TempDir())
	path := script(t, `#!/bin/sh
(sleep 876543 &)
setsid sh -c 'sleep 876543; exit 0' &
touch begun
sleep 876543
`)
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("why")
	go func() {
		for _, err := os.Stat("begun"); errors.Is(err, fs.ErrNotExist); _, err = os.Stat("begun") {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		cancel(why)
	}()
	if err := (Program{Path: path}).Run(ctx); !errors.Is(err, why) {
		t.Errorf("Run = %v; want the cause", err)
	}
	for range 100 { // the killed ones take a moment to end
		if len(processes("sleep\x00876543")) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("still running: %v", processes("sleep\x00876543"))
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("lxc-both", "#!/bin/sh\n", 0o755)
	write("both.toml", "description = 'x'", 0o644)
	write("mine.toml", "description = 'x'", 0o644)
	write("lxc-data", "", 0o644)
	p := &paths.Paths{Templates: dir}
	for name, want := range map[string]string{"both": "lxc-both", "mine": "mine.toml", dir + "/lxc-both": "lxc-both", dir + "/both.toml": "both.toml"} {
		got, err := Find(p, name)
		if err != nil || got.Path != dir+"/"+want || (got.Recipe != nil) != strings.HasSuffix(want, ".toml") {
			t.Errorf("Find(%q) = %v, %v; want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"nope": `"nope" not found`, dir + "/nope": "bad template pathname", "data": "not an executable", dir: "not an executable"} {
		if got, err := Find(p, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q) = %v, %v; want an error with %q", name, got, err, want)
		}
	}
}
