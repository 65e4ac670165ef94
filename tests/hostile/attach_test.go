package hostile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/tests/rig"
)

// TestAttachSeenFromInside holds an attaching process up in its exec, already
// visible in the container, and lets hostile root inspect and trace it.
func TestAttachSeenFromInside(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, "lxc.cap.drop = sys_module sys_time")
		b.put("victim", "#!/bin/true\n")
		b.start()
		b.evil("leased", "lease", "/victim")
		held := make(chan string)
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		secret, err := os.Open(tools.Dir) // what the caller has open is not the command's
		if err != nil {
			t.Fatal(err)
		}
		defer secret.Close()
		go func() {
			out, _ := toolCommand(ctx, "lxc-attach", "-n", b.name, "--", "/victim").CombinedOutput()
			held <- string(out)
		}()
		report, _ := b.attach("/evil", "spy")
		b.attach("sh", "-c", "kill -9 $(pidof evil)")
		select {
		case <-held:
		case <-ctx.Done():
			t.Error("the attaching process is still held up")
		}
		unseen(b, report)
	})
}

// unseen fails the test if a spy has found anything of the host's, or rights
// the container does not have.
func unseen(b *box, report string) {
	b.Helper()
	if !strings.Contains(report, "found") {
		b.Fatalf("the attack did not take place: %s", report)
	}
	for _, bad := range []string{
		`SECRET.*`, `open exe [12]`,
		`fd \d+ /.*(lxc-|gantry|rig/tools|main/bin).*`, // a file of ours
		`fd \d+ /proc.*`,
		`fd \d+ /sys.*`,
		`fd \d+ anon_inode:\[pidfd\]`,
		`fd \d+ socket:.*`,
	} {
		if found := regexp.MustCompile(`(?m)^` + bad + `$`).FindString(report); found != "" {
			b.Errorf("seen from inside: %s", found)
		}
	}
	permitted := capabilities(report, "CapPrm")
	if allowed := capabilities(report, "CapBnd") | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID; permitted&^allowed != 0 {
		b.Errorf("the process can be made to use the capabilities %x; the container has %x", permitted, allowed)
	}
	if b.mapped && regexp.MustCompile(`(?m)^(traced|open mem)`).MatchString(report) {
		b.Errorf("an id-mapped root can trace the process")
	}
	if b.Failed() {
		b.Log("\n" + report)
	}
}

func capabilities(report, name string) uint64 {
	line, _, _ := strings.Cut(after(report, name+" "), "\n")
	set, _ := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	return set
}

// sums gives the checksums of our programs.
func sums(t testing.TB) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	files, _ := filepath.Glob(tools.Dir + "/*")
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = sha256.Sum256(content)
	}
	return all
}

// TestInitSeenFromInside lets a start hook, which is the container's own
// program, inspect the init that waits for it.
func TestInitSeenFromInside(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, "lxc.cap.drop = sys_module sys_time", `lxc.hook.start = sh -c "/evil spy >/report; true"`)
		for range 2 {
			b.start()
			unseen(b, b.get("report"))
			os.Remove(b.root + "/report")
			b.stop()
		}
		go time.AfterFunc(time.Second, func() { b.tool("lxc-stop", "-k", b.name) })
		b.tool("lxc-start", "-F", b.name)
		unseen(b, b.get("report"))
	})
}

// TestForgedMessages lets a start hook speak to set-up in the init's name. It
// may spoil its own start, but set-up ends in order.
func TestForgedMessages(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, `lxc.hook.start = sh -c "/evil forge >/report; true"`)
		b.put("sbin/init", "#!/bin/sh\nexec sleep 1\n")
		for _, mode := range []string{"-d", "-F"} {
			out, status := b.tool("lxc-start", mode, b.name)
			if status > 1 || strings.Contains(out, "goroutine") {
				t.Errorf("lxc-start %s: status %d, %s", mode, status, out)
			}
			b.tool("lxc-stop", "-k", b.name)
		}
	})
}

// TestOwnExecutable makes our own processes execute themselves, and tries to
// overwrite what they run (CVE-2019-5736).
func TestOwnExecutable(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		before := sums(t)
		b.start()
		script := `while :; do for exe in /proc/[0-9]*/exe; do case $(readlink $exe) in *lxc*) (exec 9<$exe; for i in 1 2 3; do (echo evil >/proc/self/fd/9) && echo written >>/written; done); esac; done; done 2>/dev/null`
		b.put("watch", "#!/bin/sh\n"+script+"\n")
		b.attach("sh", "-c", "/watch </dev/null >/dev/null 2>&1 &")
		os.Remove(b.root + "/bin/sleep")
		os.Symlink("/proc/self/exe", b.root+"/bin/sleep")
		b.put("bin/stat", "#!/proc/self/exe\n")
		for range 5 {
			b.attach("/bin/sleep", "1")
			b.attach("/bin/stat", "1")
			b.attach("/proc/self/exe")
		}
		b.stop()
		for _, init := range []string{"/proc/self/exe", "/proc/1/exe", "/proc/thread-self/exe"} {
			os.Remove(b.root + "/sbin/init")
			os.Symlink(init, b.root+"/sbin/init")
			b.tool("lxc-start", b.name)
			b.put("sbin/init", "#!"+init+"\n")
			b.tool("lxc-start", b.name)
			b.tool("lxc-stop", "-k", b.name)
		}
		if written, err := os.ReadFile(b.root + "/written"); err == nil {
			t.Errorf("our executable was writable: %s", written)
		}
		for file, sum := range sums(t) {
			if sum != before[file] {
				t.Errorf("%s has been overwritten", file)
			}
		}
	})
}

// onTTY runs a shell script as the leader of a session on a terminal, with the
// tools on its path, and gives what appears there.
func onTTY(t testing.TB, script string) string {
	t.Helper()
	master, slave, err := rig.OpenTTY()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+tools.Path())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	defer time.AfterFunc(limit, func() { cmd.Process.Kill(); master.Close() }).Stop()
	var out bytes.Buffer
	out.ReadFrom(master)
	if err := cmd.Wait(); err != nil {
		t.Logf("%s: %v", script, err)
	}
	return strings.ReplaceAll(out.String(), "\r", "")
}

// TestTyping lets an attached command, hooks and the init type at whatever
// terminal they can reach. The caller's shell must not get to read it.
func TestTyping(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, "lxc.cgroup.devices.allow = a", "lxc.hook.start = /evil push typed-by-hook")
		// What arrives at the caller's terminal is read by this.
		const listen = `; echo LISTEN; stty -icanon -echo min 0 time 3; cat`
		for _, command := range []string{
			"lxc-start c",
			"lxc-attach -n c -- /evil push typed",
			"lxc-attach -n c -- /evil push typed </dev/null",
			"lxc-attach -n c -- /evil push typed >/dev/null 2>&1",
			"lxc-attach -n c -- /evil push typed </dev/null >/dev/null 2>&1",
			"lxc-attach -n c -- /bin/sh -c '/evil push typed' </dev/null 2>&1 | cat",
			"lxc-stop -k c; lxc-start -F c </dev/null >/dev/null 2>&1 & sleep 1; lxc-stop -k c; wait",
		} {
			if out := after(onTTY(t, command+listen), "LISTEN"); strings.Contains(out, "typed") {
				t.Errorf("%s: the caller's shell reads %q", command, out)
			}
		}
		b.put("sbin/init", "#!/bin/sh\nexec /evil push typed-by-init\n")
		if out := after(onTTY(t, "lxc-start -F c"+listen), "LISTEN"); strings.Contains(out, "typed") {
			t.Errorf("lxc-start -F: the caller's shell reads %q", out)
		}
	})
}

// TestProcessGroup lets what runs inside kill its process group. The caller's
// is another one.
func TestProcessGroup(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped, `lxc.hook.start = sh -c "/evil group; true"`)
		out := onTTY(t, "trap '' TERM; sh -c 'lxc-start c; sleep 0.2; lxc-start -F c </dev/null >/dev/null 2>&1; true'; echo alive")
		if !strings.Contains(out, "alive") {
			t.Errorf("a start hook has killed the caller of lxc-start: %q", out)
		}
		b.tool("lxc-stop", "-k", b.name)
		b = renewed(b, "")
		b.start()
		for _, files := range []string{"", "</dev/null >/dev/null 2>&1"} {
			out := onTTY(t, fmt.Sprintf("sh -c 'lxc-attach -n c -- /evil group %s; echo alive'; true", files))
			if !strings.Contains(out, "alive") {
				t.Errorf("an attached command has killed its caller: %q", out)
			}
		}
	})
}

// renewed gives the container another configuration, without hooks.
func renewed(b *box, lines string) *box {
	b.Helper()
	file := filepath.Join(lxcpath, b.name, "config")
	content, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	content = append(regexp.MustCompile(`(?m)^lxc.hook.*\n`).ReplaceAll(content, nil), lines...)
	if err := os.WriteFile(file, content, 0o640); err != nil {
		b.Fatal(err)
	}
	return b
}

// TestLoginShell gives lxc-attach a passwd file that is none.
func TestLoginShell(t *testing.T) {
	each(t, func(t *testing.T, mapped bool) {
		b := newBox(t, mapped)
		passwd := b.root + "/etc/passwd"
		b.start()
		for name, make := range map[string]func() error{
			"fifo":   func() error { return unix.Mkfifo(passwd, 0o644) },
			"socket": func() error { return unix.Mknod(passwd, unix.S_IFSOCK|0o644, 0) },
			// Opening these does something: a loop control device would make /dev/loop.
			"device":    func() error { return unix.Mknod(passwd, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) }, // zero
			"directory": func() error { return os.Mkdir(passwd, 0o755) },
			"link":      func() error { return os.Symlink(outside+"/file", passwd) },
			"magic":     func() error { return os.Symlink("/proc/1/root"+outside+"/file", passwd) },
			"loop":      func() error { return os.Symlink("passwd", passwd) },
			"huge":      func() error { return sparse(passwd, 1<<40) },
			"lines":     func() error { return os.WriteFile(passwd, bytes.Repeat([]byte("x:x:9:9:x:/:/x\n"), 8<<20/15), 0o644) },
		} {
			os.RemoveAll(passwd)
			if err := make(); err != nil {
				t.Fatal(err)
			}
			b.own()
			began := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			cmd := toolCommand(ctx, "lxc-attach", "-n", b.name)
			cmd.Stdin = strings.NewReader("echo a shell\n")
			out, err := cmd.CombinedOutput()
			cancel()
			if err != nil || !strings.Contains(string(out), "a shell") {
				t.Errorf("passwd is a %s: %v: %s", name, err, out)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("passwd is a %s: lxc-attach took %v", name, took)
			}
		}
		os.RemoveAll(passwd)
		b.put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
		b.evil("leased", "lease", "/etc/passwd")
		began := time.Now()
		b.tool("lxc-attach", "-n", b.name)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("passwd is leased: lxc-attach took %v", took)
		}
		b.attach("sh", "-c", "kill -9 $(pidof evil)")
	})
}

// sparse makes a file of a size that takes no room.
func sparse(name string, size int64) error {
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		return err
	}
	return os.Truncate(name, size)
}

// TestImpersonation starts a container in the pid namespace of a hostile one,
// which claims that a process of the host's is the new init. That process is
// left alone.
func TestImpersonation(t *testing.T) {
	b := newBox(t, false)
	decoy := exec.Command("sleep", "1000")
	if err := decoy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { decoy.Process.Kill(); decoy.Wait() }()
	own := read(t, decoy.Process.Pid, "cgroup")
	if err := rig.Define(lxcpath, "guest", "lxc.namespace.share.pid = c", "lxc.proc.oom_score_adj = 10"); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(filepath.Join(lxcpath, "guest"))
	b.start()
	b.attach("sh", "-c", fmt.Sprintf("/evil impersonate %d </dev/null >/out 2>&1 &", decoy.Process.Pid))
	for range 20 {
		out, _ := b.tool("lxc-start", "guest")
		b.tool("lxc-stop", "-k", "guest")
		if unix.Kill(decoy.Process.Pid, 0) != nil || read(t, decoy.Process.Pid, "oom_score_adj") != "0\n" || read(t, decoy.Process.Pid, "cgroup") != own {
			t.Fatalf("the host's process is no longer what it was: %s", out)
		}
	}
}
