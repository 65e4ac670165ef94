package idmap

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// newUserns starts a process in a user namespace without maps.
func newUserns(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func squeeze(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

func TestWriteAsRoot(t *testing.T) {
	cmd := newUserns(t)
	m := maps(t, "u 0 100000 1000", "u 1000 1000 1", "g 0 200000 65536")
	if err := Write(cmd.Process.Pid, m, User{}); err != nil {
		t.Fatalf("Write = %v", err)
	}
	if got, want := squeeze(t, cmd.Process.Pid, "uid_map"), "0 100000 1000 1000 1000 1"; got != want {
		t.Errorf("uid_map = %q; want %q", got, want)
	}
	if got, want := squeeze(t, cmd.Process.Pid, "gid_map"), "0 200000 65536"; got != want {
		t.Errorf("gid_map = %q; want %q", got, want)
	}
	if err := Write(cmd.Process.Pid, m, User{}); !errors.Is(err, unix.EPERM) {
		t.Errorf("second Write = %v; want EPERM", err)
	}
}

// What Check lets through the kernel takes, and what it refuses for its numbers
// the kernel refuses.
func TestCheckAgreesWithKernel(t *testing.T) {
	for _, lines := range [][]string{
		{"u 0 0 4294967295"}, {"u 0 1 4294967294"}, {"u 1 0 4294967295"}, {"u 0 4294967294 1"}, {"u 0 4294967295 1"}, {"u 4294967295 0 1"},
		{"u 0 1 0"}, {"u 0 10 10", "u 10 20 10"}, {"u 0 10 10", "u 9 20 10"}, {"u 0 10 10", "u 10 19 10"}, {"u 5 10 10", "u 0 5 6"},
	} {
		m := maps(t, lines...)
		want := Write(newUserns(t).Process.Pid, m, User{})
		if got := checkLines(m); (got == nil) != (want == nil) {
			t.Errorf("checkLines(%q) = %v; the kernel says %v", lines, got, want)
		}
	}
}

// A run of this test's binary by another uid stands for an ordinary user's
// tool, in a mount namespace whose /etc knows the user and his ids.
func TestWriteAsOrdinaryUser(t *testing.T) {
	if lines := os.Getenv("IDMAP_TEST_LINES"); lines != "" {
		writeAsCaller(t, strings.Split(lines, ","))
		return
	}
	dir := t.TempDir()
	for parent := dir; parent != os.TempDir(); parent = filepath.Dir(parent) {
		os.Chmod(parent, 0o755)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"idmap.test": string(self), "subuid": "tester:300000:65536\n", "subgid": "61234:400000:65536\n",
		"passwd": "root:x:0:0::/:/bin/sh\ntester:x:61234:61234::/:/bin/sh\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ lines, want string }{
		{"u 0 61234 1,g 0 61234 1", "result: <nil>; 0 61234 1; 0 61234 1; deny"},
		{"u 0 300000 65536,g 0 400000 65536", "result: <nil>; 0 300000 65536; 0 400000 65536; allow"},
		{"u 0 300000 1000,u 1000 61234 1,g 0 400000 65536", "result: <nil>; 0 300000 1000 1000 61234 1; 0 400000 65536; allow"},
		{"u 0 100000 65536,g 0 100000 65536", "result: c:1: lxc.idmap: the uids 100000-165535 are not subordinate ids of user tester " +
			"(add the line tester:100000:65536 to /etc/subuid, or write lxc.idmap = u 0 300000 65536); ;"},
		{"g 0 400000 65537", "the gids 400000-465536 are not subordinate ids of user tester (add the line tester:400000:65537 to /etc/subgid); ;"},
	} {
		script := `for f in passwd subuid subgid; do mount --bind $0/$f /etc/$f; done
			exec setpriv --reuid 61234 --regid 61234 --clear-groups $0/idmap.test -test.run=TestWriteAsOrdinaryUser -test.v`
		cmd := exec.Command("unshare", "-m", "sh", "-c", script, dir)
		cmd.Env = append(os.Environ(), "IDMAP_TEST_LINES="+c.lines)
		cmd.Dir = "/"
		out, _ := cmd.CombinedOutput()
		if !strings.Contains(string(out), c.want) {
			t.Errorf("Write(%s) as an ordinary user:\n%s\nwant %s", c.lines, out, c.want)
		}
	}
}

func writeAsCaller(t *testing.T, lines []string) {
	user := User{Name: "tester", UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	pid := newUserns(t).Process.Pid
	err := Write(pid, maps(t, lines...), user)
	t.Logf("result: %v; %s; %s; %s", err, squeeze(t, pid, "uid_map"), squeeze(t, pid, "gid_map"), squeeze(t, pid, "setgroups"))
}

func TestNewNamespaceAndMount(t *testing.T) {
	ns, err := NewNamespace(maps(t, "u 0 100000 65536", "g 0 200000 65536"), User{})
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	dir := t.TempDir()
	if err := unix.Mount("idmap-test", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "file"), 5, 6); err != nil {
		t.Fatal(err)
	}
	source, err := os.OpenFile(dir, unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	tree, err := Mount(source, ns, true, unix.MOUNT_ATTR_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	file, err := sys.OpenIn(tree, "file", unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 100005 || s.Gid != 200006 {
		t.Errorf("owner in the mount = %d:%d; want 100005:200006", s.Uid, s.Gid)
	}
	if _, err := sys.OpenIn(tree, "new", unix.O_CREAT|unix.O_WRONLY, 0o600); !errors.Is(err, unix.EROFS) {
		t.Errorf("creating a file = %v; want EROFS", err)
	}
}

func TestMountNamesTheFileSystem(t *testing.T) {
	ns, err := NewNamespace(maps(t, "u 0 100000 65536", "g 0 200000 65536"), User{})
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	source, err := os.OpenFile("/proc", unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if _, err := Mount(source, ns, false, 0, 0); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "0x9fa0") {
		t.Errorf("Mount(/proc) = %v; want EINVAL that names the file system's type", err)
	}
}

func TestNewNamespaceLeavesNoProcess(t *testing.T) {
	for range 20 {
		ns, err := NewNamespace(maps(t, "u 0 100000 65536", "g 0 200000 65536"), User{})
		if err != nil {
			t.Fatal(err)
		}
		ns.Close()
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("wait4 = %v; want ECHILD", err)
	}
	if _, err := NewNamespace(maps(t, "u 0 1 0"), User{}); err == nil {
		t.Error("NewNamespace of an impossible map = nil; want an error")
	}
}
