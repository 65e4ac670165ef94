package create

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/paths"
	"gantry/pkg/config"
	"gantry/pkg/container"
	"gantry/pkg/interrupt"
	"gantry/pkg/storage"
)

// at gives a container in a private place.
func at(t *testing.T, name string) *container.Container {
	t.Helper()
	p := paths.Find()
	p.RunDir = t.TempDir()
	return &container.Container{Name: name, LXCPath: t.TempDir(), Paths: p, System: &config.System{}}
}

// creator gives a container that Create can make: templates in a directory of
// their own, and a default configuration of one line.
func creator(t *testing.T, name string) *container.Container {
	t.Helper()
	c := at(t, name)
	dir := t.TempDir()
	c.Paths.Templates, c.Paths.Config = dir, "/shared"
	c.Paths.Cache = t.TempDir()
	c.Paths.SystemConfig, c.Paths.DefaultConfig = dir+"/lxc.conf", dir+"/default.conf"
	text(t, c.Paths.DefaultConfig, "lxc.uts.name = new\n", 0o644)
	var err error
	if c.System, err = config.LoadSystem(c.Paths); err != nil {
		t.Fatal(err)
	}
	// Containers with a user namespace need a way to their directories.
	for _, path := range []string{c.LXCPath, filepath.Dir(c.LXCPath), dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func text(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// write puts a file into the container's directory.
func write(t *testing.T, c *container.Container, file, text string) string {
	t.Helper()
	path := filepath.Join(c.Dir(), file)
	if err := os.MkdirAll(c.Dir(), 0o770); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

// program makes the template lxc-test.
func program(t *testing.T, c *container.Container, script string) {
	t.Helper()
	text(t, c.Paths.Templates+"/lxc-test", "#!/bin/sh\nfor a; do case $a in --path=*) path=${a#*=};; --rootfs=*) rootfs=${a#*=};; esac; done\n"+script, 0o755)
}

// listing gives the names in a directory.
func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCreate(t *testing.T) {
	c := creator(t, "c")
	program(t, c, `
[ "$(stat -c %a "$path/partial")" = 0 ] && [ "$(umask)" = 0022 ] || exit 1
echo "$@" > "$rootfs/args"
echo "lxc.tty.max = 2" >> "$path/config"
`)
	if err := Container(c, Options{Template: "test", TemplateArgs: []string{"--foo", "b c"}}); err != nil {
		t.Fatal(err)
	}
	dir := c.Dir()
	if got, want := read(t, dir+"/rootfs/args"), "--path="+dir+" --name=c --rootfs="+dir+"/rootfs --foo b c\n"; got != want {
		t.Errorf("arguments = %q; want %q", got, want)
	}
	want := "# Template used to create this container: " + c.Paths.Templates + "/lxc-test\n" + `# Parameters passed to the template: --foo b c
# For additional config options, please look at lxc.container.conf(5)

# Uncomment the following line to support nesting containers:
#lxc.include = /shared/nesting.conf
# (Be aware this has security implications)

lxc.uts.name = new
lxc.rootfs.path = dir:` + dir + `/rootfs
lxc.tty.max = 2
`
	if got := read(t, dir+"/config"); got != want {
		t.Errorf("config =\n%s\nwant\n%s", got, want)
	}
	if got := listing(t, dir); !slices.Equal(got, []string{"config", "rootfs"}) {
		t.Errorf("files: %v; want config and rootfs", got)
	}
	for name, mode := range map[string]os.FileMode{"": 0o770, "config": 0o640, "rootfs": 0o755} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s/%s: %v, %v; want mode %o", dir, name, info, err, mode)
		}
	}
	if err := Container(c, Options{Template: "test"}); !errors.Is(err, container.ErrExists) {
		t.Errorf("a second Create = %v; want container.ErrExists", err)
	}
	if conf, err := c.Config(); err != nil || conf.TTY.Max.V != 2 {
		t.Errorf("Config after Create = %v, %v; want what the template left", conf.TTY.Max, err)
	}
}

func TestCreateFromRecipe(t *testing.T) {
	c := creator(t, "c")
	text(t, c.Paths.DefaultConfig, "# mine\nlxc.net.0.type = veth\nlxc.net.0.link = br0\nlxc.include = "+c.Paths.Templates+"/more\nlxc.net.2.type = none", 0o644)
	text(t, c.Paths.Templates+"/more", "lxc.net.1.type=veth\nlxc.net.1.hwaddr = 00:16:3e:00:00:01\nlxc.net.3.type = veth\n", 0o644)
	text(t, c.Paths.Templates+"/test.toml", "config = '''\n# the recipe's\nlxc.uts.name = {{.name}}\n'''\n", 0o644)
	if err := Container(c, Options{Template: "test"}); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(read(t, c.ConfigFile()), "# mine\n")
	got = regexp.MustCompile(`(10:66:6a)(:[0-9a-f]{2}){3}\n`).ReplaceAllString(got, "$1...\n")
	want := "lxc.net.0.type = veth\nlxc.net.0.link = br0\nlxc.include = " + c.Paths.Templates + "/more\nlxc.net.2.type = none\n" +
		"lxc.rootfs.path = dir:" + c.Dir() + "/rootfs\nlxc.net.0.hwaddr = 10:66:6a...\nlxc.net.3.hwaddr = 10:66:6a...\n" +
		"# the recipe's\nlxc.uts.name = c\n"
	if got != want {
		t.Errorf("config = %q; want %q", got, want)
	}
}

func TestCreateWithoutTemplate(t *testing.T) {
	c := creator(t, "c")
	if err := Container(c, Options{Template: "none"}); err != nil {
		t.Fatal(err)
	}
	if got := listing(t, c.Dir()); !slices.Equal(got, []string{"config"}) || read(t, c.Dir()+"/config") != "lxc.uts.name = new\n" {
		t.Errorf("files: %v; want a config like the default one", got)
	}
}

func TestCreateWithIDMap(t *testing.T) {
	c := creator(t, "c")
	program(t, c, `
echo "$@" | sed 's/.*--mapped-uid/--mapped-uid/' > "$rootfs/args"
cat /proc/self/uid_map > "$rootfs/map"
`)
	base := t.TempDir() + "/base"
	text(t, base, "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 200000 1000\n", 0o644)
	if err := Container(c, Options{Template: "test", Config: base}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c.Dir()+"/rootfs/args"); got != "--mapped-uid 65536 --mapped-gid 1000\n" {
		t.Errorf("arguments end in %q", got)
	}
	if got := strings.Fields(read(t, c.Dir()+"/rootfs/map")); !slices.Equal(got, []string{"0", "100000", "65536", "65536", "0", "1"}) {
		t.Errorf("uid_map = %q", got)
	}
	for name, want := range map[string][2]uint32{"": {100000, 200000}, "rootfs": {100000, 200000}, "rootfs/args": {100000, 200000}, "config": {0, 0}} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(c.Dir(), name), &st); err != nil || st.Uid != want[0] || st.Gid != want[1] {
			t.Errorf("%q belongs to %d:%d, %v; want %v", name, st.Uid, st.Gid, err, want)
		}
	}
}

func TestCreateFails(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"template", "touch $rootfs/x; exit 3", "failed to create container from template: lxc-test exited with status 3"},
		{"configuration", "echo lxc.bogus = 1 >> $path/config", "the template has left a bad configuration: "},
	}
	for _, test := range tests {
		c := creator(t, "c")
		program(t, c, test.script)
		if err := Container(c, Options{Template: "test"}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Create = %v; want an error with %q", test.name, err, test.want)
		}
		if got := listing(t, c.LXCPath); got != nil {
			t.Errorf("%s: left: %v", test.name, got)
		}
	}

	c := creator(t, "c")
	missing := t.TempDir() + "/missing"
	bad := t.TempDir() + "/bad"
	text(t, bad, "\nlxc.bogus = 1\n", 0o644)
	gone := t.TempDir() + "/gone"
	text(t, gone, "lxc.rootfs.path = /nothing\n", 0o644)
	program(t, c, "")
	for want, o := range map[string]Options{
		`"nope" not found`:           {Template: "nope"},
		"bad template pathname":      {Template: missing},
		missing:                      {Template: "test", Config: missing},
		bad + ":2: lxc.bogus":        {Template: "test", Config: bad},
		gone + ":1: lxc.rootfs.path": {Template: "none", Config: gone},
		"not supported yet":          {Template: "test", Types: []string{"zfs"}},
	} {
		if err := Container(c, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Container(%+v) = %v; want an error with %q", o, err, want)
		}
		if got := listing(t, c.LXCPath); got != nil {
			t.Errorf("Container(%+v) left: %v", o, got)
		}
	}
}

// Whatever goes wrong, what is the user's stays.
func TestCreateFailsBesideTheUsersFiles(t *testing.T) {
	c := creator(t, "c")
	program(t, c, "touch $rootfs/x; exit 3")
	given := t.TempDir()
	text(t, given+"/mine", "", 0o644)
	base := t.TempDir() + "/base"
	text(t, base, "lxc.rootfs.path = dir:"+given+"\n", 0o644)
	for _, o := range []Options{
		{Template: "test", Config: base},
		{Template: "test", Dir: given},
		{Template: "test", Dir: given + "/new"},
	} {
		if err := Container(c, o); err == nil {
			t.Errorf("Container(%+v) = nil; want an error", o)
		}
		if got := listing(t, c.LXCPath); got != nil {
			t.Errorf("Container(%+v) left: %v", o, got)
		}
		os.Remove(given + "/x")
		if got := listing(t, given); !slices.Equal(got, []string{"mine"}) {
			t.Errorf("Container(%+v) left of the user's: %v", o, got)
		}
	}

	write(t, c, "mine", "")
	if err := Container(c, Options{Template: "test"}); err == nil {
		t.Error("Create = nil; want an error")
	}
	if got := listing(t, c.Dir()); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("Create left in the user's directory: %v", got)
	}
}

func TestCreateElsewhere(t *testing.T) {
	c := creator(t, "c")
	program(t, c, "touch $rootfs/x")
	given, fresh := t.TempDir(), t.TempDir()+"/a/rootfs"
	text(t, given+"/mine", "", 0o644)
	for dir, kept := range map[string]bool{given: true, fresh: false} {
		if err := Container(c, Options{Template: "test", Dir: dir}); err != nil {
			t.Fatal(err)
		}
		again := &container.Container{Name: c.Name, LXCPath: c.LXCPath, Paths: c.Paths, System: c.System}
		if conf, err := again.Config(); err != nil || conf.Rootfs.Path.V.Path != dir {
			t.Errorf("rootfs = %v, %v; want %s", conf.Rootfs.Path, err, dir)
		}
		if err := container.Destroy(again, container.DestroyOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir + "/x"); (err == nil) != kept {
			t.Errorf("%s after Destroy: %v; want it kept: %v", dir, err, kept)
		}
	}
}

func TestCreateAtOnce(t *testing.T) {
	c := creator(t, "c")
	program(t, c, "sleep 0.1")
	var made atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			mine := *c
			err := Container(&mine, Options{Template: "test"})
			switch {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, container.ErrExists) && !errors.Is(err, storage.ErrBusy):
				t.Errorf("Create = %v; want success, container.ErrExists or ErrBusy", err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 || !c.Defined() {
		t.Errorf("made %d times, defined %v; want once", made.Load(), c.Defined())
	}
}

// TestInAChild is not a test of its own: others run it in a process they can
// kill.
func TestInAChild(t *testing.T) {
	lxcpath, ok := os.LookupEnv("CHILD_LXCPATH")
	if !ok {
		return
	}
	p := paths.Find()
	p.RunDir, p.Templates, p.Cache = os.Getenv("CHILD_RUN"), os.Getenv("CHILD_TEMPLATES"), os.Getenv("CHILD_CACHE")
	p.DefaultConfig, p.SystemConfig = p.Templates+"/default.conf", p.Templates+"/lxc.conf"
	c := &container.Container{Name: "c", LXCPath: lxcpath, Paths: p, System: &config.System{}}
	c.System, _ = config.LoadSystem(p)
	err := c.Open()
	switch {
	case err != nil:
	case os.Getenv("CHILD_DOES") == "destroy":
		err = container.Destroy(c, container.DestroyOptions{})
	default:
		err = Container(c, Options{Template: "test"})
	}
	if i, ok := errors.AsType[interrupt.Error](err); ok {
		os.Exit(128 + int(i.Signal))
	}
	if err != nil {
		t.Fatal(err)
	}
	os.Exit(0)
}

// child creates or destroys c in another process, through the words before.
func child(t *testing.T, does string, c *container.Container, before ...string) *exec.Cmd {
	t.Helper()
	argv := append(before, os.Args[0], "-test.run=^TestInAChild$")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "CHILD_DOES="+does, "CHILD_LXCPATH="+c.LXCPath, "CHILD_RUN="+c.Paths.RunDir,
		"CHILD_TEMPLATES="+c.Paths.Templates, "CHILD_CACHE="+c.Paths.Cache)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd
}

func appears(t *testing.T, path string) {
	t.Helper()
	for range 2000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s did not appear", path)
}

func TestCreateInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		c := creator(t, "c")
		program(t, c, "(sleep 765432 &) ; touch $rootfs/begun; sleep 765432")
		cmd := child(t, "create", c)
		appears(t, c.Dir()+"/rootfs/begun")
		if err := container.Destroy(c, container.DestroyOptions{}); !errors.Is(err, storage.ErrBusy) {
			t.Errorf("Destroy during the creation = %v; want ErrBusy", err)
		}
		if err := Container(c, Options{Template: "none"}); !errors.Is(err, container.ErrExists) {
			t.Errorf("Create during the creation = %v; want container.ErrExists", err)
		}
		cmd.Process.Signal(signal)
		cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != 128+int(signal) {
			t.Errorf("%v: exit code %d; want %d", signal, got, 128+int(signal))
		}
		if got := listing(t, c.LXCPath); got != nil {
			t.Errorf("%v: left: %v", signal, got)
		}
		if out, err := exec.Command("pgrep", "-f", "sleep 765432").Output(); err == nil {
			t.Errorf("%v: still running: %s", signal, out)
		}
	}
}

// A killed lxc-create takes its template along, with all that has come of it.
func TestCreateKilledWithTemplate(t *testing.T) {
	for _, config := range []string{"", "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n"} {
		c := creator(t, "c")
		text(t, c.Paths.DefaultConfig, config, 0o644)
		program(t, c, "sh -c '(setsid sleep 765431 &); sleep 765431; exit 0' & touch $rootfs/begun; sleep 765431; exit 0")
		cmd := child(t, "create", c)
		appears(t, c.Dir()+"/rootfs/begun")
		time.Sleep(50 * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		for began := time.Now(); exec.Command("pgrep", "-f", "sleep 765431").Run() == nil; time.Sleep(5 * time.Millisecond) {
			if time.Since(began) > 2*time.Second {
				out, _ := exec.Command("pgrep", "-fa", "sleep 765431").Output()
				t.Fatalf("with %q still running: %s", config, out)
			}
		}
		if err := c.Open(); err != nil || len(listing(t, c.LXCPath)) > 0 {
			t.Errorf("Open after the kill = %v; left: %v", err, listing(t, c.LXCPath))
		}
	}
}

func TestCreateUnderNohup(t *testing.T) {
	c := creator(t, "c")
	program(t, c, "touch $rootfs/begun; while [ ! -e $rootfs/go ]; do sleep 0.02; done")
	cmd := child(t, "create", c, "nohup")
	appears(t, c.Dir()+"/rootfs/begun")
	cmd.Process.Signal(unix.SIGHUP)
	text(t, c.Dir()+"/rootfs/go", "", 0o644)
	if err := cmd.Wait(); err != nil || !c.Defined() {
		t.Errorf("after SIGHUP under nohup: %v, defined %v; want the container", err, c.Defined())
	}
}

// After a kill -9 at any moment the next who opens the container finds it whole
// or not at all, and can make it.
func TestCreateKilled(t *testing.T) {
	c := creator(t, "c")
	text(t, c.Paths.Templates+"/test.toml", "[[step]]\ncopy = '/bin/busybox'\nto = '/bin/busybox'\n[[step]]\nlink = '/bin/sh'\ntarget = 'busybox'\n"+
		strings.Repeat("[[step]]\nrun = 'busybox mkdir -p a/b/c; busybox rm -r a'\n", 3), 0o644)
	cmd := child(t, "create", c)
	began := time.Now()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	if err := container.Destroy(c, container.DestroyOptions{}); err != nil {
		t.Fatal(err)
	}
	const times = 30
	unfinished := 0
	for i := range times {
		cmd := child(t, "create", c)
		time.Sleep(whole * time.Duration(i) / times)
		cmd.Process.Kill()
		cmd.Wait()
		mine := &container.Container{Name: c.Name, LXCPath: c.LXCPath, Paths: c.Paths, System: c.System}
		if _, err := os.Stat(c.Dir() + "/partial"); err == nil {
			unfinished++
		}
		if err := mine.Open(); err != nil {
			t.Fatalf("Open after the kill: %v", err)
		}
		// A child of the killed process may hold its lock for a moment.
		for began := time.Now(); mine.Defined(); time.Sleep(5 * time.Millisecond) {
			err := container.Destroy(mine, container.DestroyOptions{})
			if err != nil && !errors.Is(err, storage.ErrBusy) || time.Since(began) > 5*time.Second {
				t.Fatalf("Destroy after the kill: %v", err)
			}
			if err := mine.Open(); err != nil {
				t.Fatalf("Open after the kill: %v", err)
			}
		}
		os.Remove(c.Dir()) // empty if anything
		if got := listing(t, c.LXCPath); got != nil {
			t.Fatalf("left: %v: %v", got, listing(t, c.Dir()))
		}
	}
	if unfinished == 0 {
		t.Error("no kill hit an unfinished creation: the test shows nothing")
	}
	if err := Container(c, Options{Template: "test"}); err != nil {
		t.Error(err)
	}
}
