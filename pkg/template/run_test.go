package template

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/pkg/plan"
)

var shifted = []plan.IDMap{{Kind: 'u', Host: 100000, Count: 65536}, {Kind: 'g', Host: 100000, Count: 65536}}

// newJob makes an empty container.
func newJob(t *testing.T, out *strings.Builder) Job {
	t.Helper()
	dir := t.TempDir()
	j := Job{Name: "box", Path: dir, Rootfs: dir + "/rootfs", Cache: t.TempDir(), Config: "/c", Out: out}
	if err := os.Mkdir(j.Rootfs, 0o755); err != nil {
		t.Fatal(err)
	}
	return j
}

// shell is a recipe's steps that make a tree in which scripts can run.
func shell(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("[[step]]\ncopy = '%s'\nto = '/bin/busybox'\nmode = '0755'\n[[step]]\nlink = '/bin/sh'\ntarget = 'busybox'\n[[step]]\nrun = 'busybox --install -s /bin'\n", path)
}

func run(t *testing.T, j Job, text string) error {
	t.Helper()
	r, err := recipe(t, text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(context.Background(), j)
	return err
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSteps(t *testing.T) {
	var out strings.Builder
	j := newJob(t, &out)
	j.Args = []string{"--greeting=$(id)"}
	r := mustRecipe(t, `
config = "lxc.uts.name = {{.name}}\n{{if .idmap}}x{{end}}"
note = "{{.name}} is made"
[[option]]
name = "greeting"
arg = "TEXT"
[[option]]
name = "other"
`+shell(t)+`
[[step]]
link = "/lib"
target = "usr/lib"
[[step]]
dir = "/usr/lib/deep"
mode = "1777"
[[step]]
file = "/lib/greeting"
content = "{{.greeting}}"
mode = "0600"
[[step]]
title = "saying hello"
run = 'echo "$greeting $LXC_NAME" > /lib/said'
[[step]]
when = "other"
run = "exit 1"
[[step]]
when = "!other"
file = "/without"
`)
	config, err := r.Run(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, j.Rootfs+"/usr/lib/greeting"); got != "$(id)" {
		t.Errorf("greeting = %q; want $(id)", got)
	}
	if got := content(t, j.Rootfs+"/usr/lib/said"); got != "$(id) box\n" {
		t.Errorf("said = %q; want $(id) box", got)
	}
	if info, err := os.Stat(j.Rootfs + "/usr/lib/deep"); err != nil || info.Mode() != os.ModeDir|os.ModeSticky|0o777 {
		t.Errorf("deep: %v, %v; want drwxrwxrwt", info, err)
	}
	if _, err := os.Stat(j.Rootfs + "/without"); err != nil {
		t.Error(err)
	}
	if config != "lxc.uts.name = box\n" {
		t.Errorf("config = %q", config)
	}
	if out.String() != "test: saying hello\ntest: box is made\n" {
		t.Errorf("output = %q; want the title and the note", out.String())
	}
}

// Links in the tree lead where they will lead in the container.
func TestStepsStayInTheTree(t *testing.T) {
	j := newJob(t, &strings.Builder{})
	outside := t.TempDir()
	err := run(t, j, `
[[step]]
dir = "`+outside+`"
[[step]]
link = "/etc"
target = "`+outside+`"
[[step]]
link = "/file"
target = "`+outside+`/file"
[[step]]
file = "/etc/passwd"
[[step]]
file = "/file"
`)
	if err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("written outside: %v", entries)
	}
	if info, err := os.Lstat(j.Rootfs + "/file"); err != nil || !info.Mode().IsRegular() {
		t.Errorf("file: %v, %v; want the link replaced", info, err)
	}
}

// What a script sees of the host is nothing.
func TestScriptIsAlone(t *testing.T) {
	for name, maps := range map[string][]plan.IDMap{"root": nil, "idmap": shifted} {
		j := newJob(t, &strings.Builder{})
		j.IDMap = maps
		if err := os.Chmod(filepath.Dir(j.Path), 0o711); err != nil {
			t.Fatal(err)
		}
		if maps != nil {
			if err := errors.Join(os.Chown(j.Path, 100000, 100000), os.Chown(j.Rootfs, 100000, 100000)); err != nil {
				t.Fatal(err)
			}
		}
		err := run(t, j, shell(t)+`
[[step]]
run = '''
echo $$ $(hostname) $(id -u) > facts
ps -o pid= > processes
echo hidden > /dev/null
head -c 4 /dev/urandom | wc -c > random
cat /proc/self/mountinfo > mounts
ls /proc/1/root > root
touch /proc/made 2>/dev/null && exit 1
mkdir mnt
mount -t tmpfs tmpfs /mnt
sleep 1000 &
'''`)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := content(t, j.Rootfs+"/facts"); got != fmt.Sprintln(os.Getpid(), "box", 0) {
			t.Errorf("%s: pid, host name, uid = %q; want our pid, box, 0", name, got)
		}
		if got := strings.Count(content(t, j.Rootfs+"/processes"), "\n"); got != 3 {
			t.Errorf("%s: ps shows %d processes; want the init, the script and itself", name, got)
		}
		if got := strings.TrimSpace(content(t, j.Rootfs+"/random")); got != "4" {
			t.Errorf("%s: urandom gave %s bytes; want 4", name, got)
		}
		if got := strings.Count(content(t, j.Rootfs+"/mounts"), "\n"); got != 3 {
			t.Errorf("%s: %d mounts; want the root, /dev and /proc", name, got)
		}
		if got := content(t, j.Rootfs+"/root"); strings.Contains(got, "boot") || !strings.Contains(got, "facts") {
			t.Errorf("%s: root of pid 1 holds %q; want the tree", name, got)
		}
		if mounts := content(t, "/proc/self/mountinfo"); strings.Contains(mounts, j.Path) {
			t.Errorf("%s: mounts are seen on the host:\n%s", name, mounts)
		}
		var st unix.Stat_t
		if err := unix.Lstat(j.Rootfs+"/bin/ls", &st); err != nil || maps != nil && st.Uid != 100000 {
			t.Errorf("%s: /bin/ls belongs to %d, %v", name, st.Uid, err)
		}
		if entries, _ := os.ReadDir(j.Rootfs + "/dev"); len(entries) > 0 {
			t.Errorf("%s: left in /dev: %v", name, entries)
		}
	}
}

func TestScriptFails(t *testing.T) {
	j := newJob(t, &strings.Builder{})
	err := run(t, j, shell(t)+"[[step]]\nrun = '''\necho one\nls /nothing\necho two\n'''")
	if err == nil || !strings.Contains(err.Error(), "step 4: ") || !strings.Contains(err.Error(), "/nothing") {
		t.Errorf("Run = %v; want an error with the step and the last line", err)
	}
	if got := Output(err); len(got) != 2 || got[0] != "one" {
		t.Errorf("Output = %q; want two lines", got)
	}
}

// A program that would not run in the tree is refused with the recipe's advice.
func TestStatic(t *testing.T) {
	static, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	dynamic, err := exec.LookPath("ls")
	if err != nil {
		t.Fatal(err)
	}
	script := t.TempDir() + "/script"
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		static:  "",
		dynamic: dynamic + " is not a statically linked program (do this)",
		script:  script + " is not a statically linked program (do this)",
		"":      "no program of the host was found to make /bin/it of (do this)",
	} {
		err := run(t, newJob(t, &strings.Builder{}), `
[[option]]
name = "source"
arg = "FILE"
default = "`+source+`"
[[step]]
copy = "{{.source}}"
to = "/bin/it"
static = "do this"`)
		if (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), "step 1: "+want) {
			t.Errorf("copy of %q = %v; want %q", source, err, want)
		}
	}
}

func TestScriptIsKilled(t *testing.T) {
	j := newJob(t, &strings.Builder{})
	r := mustRecipe(t, shell(t)+"[[step]]\nrun = 'sleep 987654 & touch begun; sleep 987654'")
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("why")
	go func() {
		for _, err := os.Stat(j.Rootfs + "/begun"); err != nil; _, err = os.Stat(j.Rootfs + "/begun") {
			time.Sleep(5 * time.Millisecond)
		}
		cancel(why)
	}()
	if _, err := r.Run(ctx, j); !errors.Is(err, why) {
		t.Errorf("Run = %v; want the cause of the cancellation", err)
	}
	if left := processes("sleep\x00987654"); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

// processes finds processes whose command line contains text.
func processes(text string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && strings.Contains(string(b), text) {
			found = append(found, file)
		}
	}
	return found
}

// fakeBootstrap puts a mmdebstrap into the PATH that makes a tree with a shell,
// after script. It counts its runs in the file it returns.
func fakeBootstrap(t *testing.T, script string) (runs string) {
	t.Helper()
	dir := t.TempDir()
	runs = dir + "/runs"
	text := `#!/bin/sh
set -e
echo x >> ` + runs + `
for arg; do last=$arg; done
` + script + `
mkdir -p "$last/bin" "$last/etc"
cp "$(command -v busybox)" "$last/bin/busybox"
ln -s busybox "$last/bin/sh"
`
	if err := os.WriteFile(dir+"/mmdebstrap", []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return runs
}

const bootstrapped = `
[[option]]
name = "release"
arg = "SUITE"
default = "one"
cache = true
[[option]]
name = "flush-cache"
[bootstrap]
distribution = "nobody's"
suite = "{{.release}}"
arch = "amd64"
variant = "minbase"
packages = ["a", "b,c"]
[[prepare]]
file = "/etc/prepared"
[[step]]
file = "/etc/name"
content = "{{.name}}"
`

func TestCache(t *testing.T) {
	runs := fakeBootstrap(t, "")
	j := newJob(t, &strings.Builder{})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			mine := newJob(t, &strings.Builder{})
			mine.Cache, mine.Name = j.Cache, fmt.Sprint("c", i)
			if err := run(t, mine, bootstrapped); err != nil {
				t.Error(err)
				return
			}
			if got := content(t, mine.Rootfs+"/etc/name"); got != mine.Name {
				t.Errorf("name = %q; want %q", got, mine.Name)
			}
			content(t, mine.Rootfs+"/etc/prepared")
		})
	}
	group.Wait()
	if got := strings.Count(content(t, runs), "x"); got != 1 {
		t.Errorf("bootstrapped %d times for four containers; want once", got)
	}
	again := func(want int, args ...string) {
		t.Helper()
		mine := newJob(t, &strings.Builder{})
		mine.Cache, mine.Args = j.Cache, args
		if err := run(t, mine, bootstrapped); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(content(t, runs), "x"); got != want {
			t.Errorf("%q: bootstrapped %d times by now; want %d", args, got, want)
		}
	}
	again(1)
	again(2, "--release=two")
	again(3, "--flush-cache")
	again(3)
	if trees, _ := filepath.Glob(j.Cache + "/test/rootfs-*"); len(trees) != 2 {
		t.Errorf("cached: %v; want two trees", trees)
	}
	if rest, _ := filepath.Glob(j.Cache + "/test/.*.[no]*"); len(rest) > 0 {
		t.Errorf("left: %v", rest)
	}
}

// --clean deletes the trees of all options, once no other creation needs them.
func TestCleanCache(t *testing.T) {
	runs := fakeBootstrap(t, "")
	j := newJob(t, &strings.Builder{})
	recipe := strings.Replace(bootstrapped, "[bootstrap]", "[[option]]\nname = 'clean'\n[bootstrap]", 1)
	for _, args := range [][]string{nil, {"--release=two"}, {"--clean"}} {
		mine := newJob(t, &strings.Builder{})
		mine.Cache, mine.Args = j.Cache, args
		if err := run(t, mine, recipe); err != nil {
			t.Fatal(err)
		}
		content(t, mine.Rootfs+"/etc/prepared")
	}
	entries, err := os.ReadDir(j.Cache + "/test")
	if err != nil || len(entries) != 2 {
		t.Errorf("left: %v, %v; want the two locks alone", entries, err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".lock") {
			t.Errorf("left: %s", entry.Name())
		}
	}
	if got := strings.Count(content(t, runs), "x"); got != 2 {
		t.Errorf("bootstrapped %d times; want twice", got)
	}
}

// At every moment the tree in its place is whole, so that one who dies in
// between leaves nothing that the next would take for it.
func TestCacheIsReplacedAtOnce(t *testing.T) {
	const files = 3000
	fakeBootstrap(t, fmt.Sprintf(`mkdir "$last/many"; cd "$last/many"; seq %d | xargs touch; cd /`, files))
	j := newJob(t, &strings.Builder{})
	if err := run(t, j, bootstrapped); err != nil {
		t.Fatal(err)
	}
	trees, _ := filepath.Glob(j.Cache + "/test/rootfs-*")
	if len(trees) != 1 {
		t.Fatalf("cached: %v; want a tree", trees)
	}
	ctx, stop := context.WithCancel(context.Background())
	seen := make(chan int)
	go func() {
		least := files
		for ctx.Err() == nil {
			if dir, err := os.Open(trees[0] + "/many"); err == nil {
				names, _ := dir.Readdirnames(-1)
				opened, _ := dir.Stat()
				if now, err := os.Stat(dir.Name()); err == nil && os.SameFile(opened, now) {
					least = min(least, len(names))
				}
				dir.Close()
			}
		}
		seen <- least
	}()
	fresh := newJob(t, &strings.Builder{})
	fresh.Cache, fresh.Args = j.Cache, []string{"--flush-cache"}
	err := run(t, fresh, bootstrapped)
	stop()
	if least := <-seen; err != nil || least < files {
		t.Errorf("Run = %v; the tree had %d files for a moment, want %d", err, least, files)
	}
}

func TestCacheOfAFailure(t *testing.T) {
	runs := fakeBootstrap(t, `mkdir -p "$last/half"; echo no such suite; exit 3`)
	j := newJob(t, &strings.Builder{})
	for want := 1; want <= 2; want++ {
		err := run(t, j, bootstrapped)
		if err == nil || !strings.Contains(err.Error(), "no such suite") {
			t.Errorf("Run = %v; want the program's last line", err)
		}
		if got := strings.Count(content(t, runs), "x"); got != want {
			t.Errorf("bootstrapped %d times; want %d", got, want)
		}
	}
	if left, _ := filepath.Glob(j.Cache + "/test/*"); len(left) != 1 || !strings.HasSuffix(left[0], ".lock") {
		t.Errorf("left: %v; want the lock alone", left)
	}
}

// The error has the first complaint, not what others made of it.
func TestReason(t *testing.T) {
	for _, test := range []struct {
		tail []string
		want string
	}{
		{[]string{"a", "b"}, "b"},
		{[]string{"Reading...", "E: no Release file", "E: apt-get failed", "I: cleaning", "E: failed to run"}, "E: no Release file"},
		{[]string{"E: tolerated", "sh: not found"}, "sh: not found"},
	} {
		if got := (&outputError{errors.New("it"), test.tail}).Error(); got != "it: "+test.want {
			t.Errorf("error of %q = %q; want %q", test.tail, got, test.want)
		}
	}
}

// A build that died is no obstacle to the next.
func TestCacheOfADeadBuild(t *testing.T) {
	fakeBootstrap(t, "")
	j := newJob(t, &strings.Builder{})
	r := mustRecipe(t, bootstrapped)
	values, _, err := r.parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	dead := j.Cache + "/test/." + (&job{recipe: r, values: values}).key() + ".new"
	if err := os.MkdirAll(dead+"/half", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(context.Background(), j); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(j.Rootfs + "/half"); err == nil {
		t.Error("the dead build's tree was used")
	}
}

func TestUnpackShiftsIDs(t *testing.T) {
	fakeBootstrap(t, `mkdir -p "$last/home/u"; chown 1000:1000 "$last/home/u"`)
	j := newJob(t, &strings.Builder{})
	j.IDMap = shifted
	if err := run(t, j, bootstrapped); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint32{"home/u": 101000, "bin/busybox": 100000, "etc/name": 100000} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(j.Rootfs, name), &st); err != nil || st.Uid != want || st.Gid != want {
			t.Errorf("%s belongs to %d:%d, %v; want %d", name, st.Uid, st.Gid, err, want)
		}
	}
}
