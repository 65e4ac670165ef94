package forkexec

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func run(t testing.TB, p *Program) (reports []Report, state *os.ProcessState) {
	t.Helper()
	proc, err := p.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	for {
		r, err := proc.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
	}
	state, err = proc.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return reports, state
}

func TestExec(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := New()
	p.Stdio(nil, w, w)
	p.Prelude()
	p.Exec([]string{"sh", "-c", "echo $A; ls /proc/$$/fd | wc -l; exit 7"}, []string{"A=b", "PATH=/nowhere:/bin:/usr/bin"})
	reports, state := run(t, p)
	w.Close()
	out, _ := io.ReadAll(r)
	if len(reports) != 1 || reports[0].Kind != Execute || state.ExitCode() != 7 || !strings.HasPrefix(string(out), "b\n3\n") && !strings.HasPrefix(string(out), "b\n2\n") {
		t.Errorf("reports %v, exit code %d, output %q; want none, 7, b and few files", reports, state.ExitCode(), out)
	}
}

func TestFailureNamesTheCall(t *testing.T) {
	p := New()
	p.About(About{Origin: "config:3: lxc.init.cmd"})
	p.Call("execve /nonexistent", unix.SYS_EXECVE, p.String("/nonexistent"), p.Strings(nil), p.Strings(nil))
	reports, state := run(t, p)
	if len(reports) != 1 || state.ExitCode() != 127 {
		t.Fatalf("reports %v, exit code %d; want one, 127", reports, state.ExitCode())
	}
	if err := reports[0].Err(); err.Error() != "execve /nonexistent: no such file or directory" || !errors.Is(err, unix.ENOENT) {
		t.Errorf("error %q; want the call and ENOENT", err)
	}
	if got := reports[0].About.Origin; got != "config:3: lxc.init.cmd" {
		t.Errorf("origin %q", got)
	}
}

func TestRegistersJumpsAndMemory(t *testing.T) {
	p := New()
	status, pid, code := p.Bytes(make([]byte, 8)), p.Reg(), p.Reg()
	child, bad := p.Label(), p.Label()
	p.Call("mkdir", unix.SYS_MKDIRAT, Int(unix.AT_FDCWD), p.String("/proc"), Int(0o755)).Tolerate(unix.EEXIST)
	p.Call("getpid", unix.SYS_GETPID).Into(code)
	p.Report("pid", First, code)
	p.Call("clone", unix.SYS_CLONE, Int(unix.SIGCHLD), Int(0), Int(0), Int(0), Int(0)).Into(pid)
	p.JumpIfZero(pid, child)
	p.Call("wait4", unix.SYS_WAIT4, pid, status, Int(0), Int(0))
	p.Load32(code, status)
	p.JumpIfZero(code, bad)
	p.Fail("the hook", WaitStatus, code)
	p.Place(child)
	p.Call("exit_group", unix.SYS_EXIT_GROUP, Int(3))
	p.Place(bad)
	p.Fail("unreachable", First, Int(1))
	proc, err := p.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	first, err := proc.Next()
	if err != nil || first.Kind != First || int(first.Value) != proc.Pid {
		t.Errorf("first report %+v, %v; want the pid %d", first, err, proc.Pid)
	}
	second, err := proc.Next()
	if err != nil || second.Kind != WaitStatus || second.Err().Error() != "the hook exited with status 3" {
		t.Errorf("second report %+v, %v; want the hook's status", second, err)
	}
	proc.Process.Wait()
}

func TestTolerateLetsOtherErrorsThrough(t *testing.T) {
	p := New()
	p.Call("mkdir", unix.SYS_MKDIRAT, Int(unix.AT_FDCWD), p.String("/nonexistent/x"), Int(0)).Tolerate(unix.EEXIST)
	reports, _ := run(t, p)
	if len(reports) != 1 || !errors.Is(reports[0].Err(), unix.ENOENT) {
		t.Errorf("reports %v; want ENOENT", reports)
	}
}

// What has to be put right again is, whether the calls before succeed or not.
func TestFinally(t *testing.T) {
	p := New()
	p.Optional(func() {
		p.Finally(func() {
			p.Call("fail", unix.SYS_CLOSE, Int(-1))
			p.Report("not reached", First, Int(1))
		}, func() { p.Report("after", First, Int(2)) })
		p.Report("skipped", First, Int(3))
	})
	p.Report("on", First, Int(4))
	reports, _ := run(t, p)
	var got []int64
	for _, r := range reports {
		got = append(got, r.Value)
	}
	if len(got) != 2 || got[0] != 2 || got[1] != 4 {
		t.Errorf("reported %v; want 2 and 4", got)
	}
}

// A process of the program must not lead to a file that can be written.
func TestExeIsSealed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := New()
	p.Stdio(r, nil, nil)
	p.Report("up", First, Int(0))
	p.Call("read", unix.SYS_READ, Int(0), p.Bytes(make([]byte, 8)), Int(1))
	p.Call("exit_group", unix.SYS_EXIT_GROUP, Int(0))
	proc, err := p.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer proc.Close()
	if _, err := proc.Next(); err != nil {
		t.Fatal(err)
	}
	exe, err := os.OpenFile("/proc/"+itoa(proc.Pid)+"/exe", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	proc.Process.Wait()
	again, err := os.OpenFile("/proc/self/fd/"+itoa(int(exe.Fd())), os.O_WRONLY, 0)
	if err == nil {
		_, err = again.Write([]byte("x"))
	}
	if err == nil {
		t.Error("the image could be written")
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func TestSibling(t *testing.T) {
	p := New()
	ppid := p.Reg()
	p.Call("getppid", unix.SYS_GETPPID).Into(ppid)
	p.Report("parent", First, ppid)
	p.Call("exit_group", unix.SYS_EXIT_GROUP, Int(0))
	proc, err := p.Start(&syscall.SysProcAttr{Cloneflags: unix.CLONE_PARENT})
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	if rec, err := proc.Next(); err != nil || int(rec.Value) != os.Getppid() {
		t.Errorf("parent %d, %v; want %d", rec.Value, err, os.Getppid())
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p := New()
		p.Call("exit_group", unix.SYS_EXIT_GROUP, Int(0))
		run(b, p)
	}
}

func TestRequireFS(t *testing.T) {
	for _, c := range []struct {
		path string
		want Kind
	}{{"/proc/sys", First}, {"/", Failed}} {
		p := New()
		fd := p.Reg()
		p.Open(c.path, unix.O_PATH, 0).Into(fd)
		p.RequireFS("a proc", fd, unix.PROC_SUPER_MAGIC)
		p.Report("it is", First, Int(0))
		p.Exit(0)
		reports, _ := run(t, p)
		if len(reports) != 1 || reports[0].Kind != c.want {
			t.Errorf("RequireFS(%s) = %v; want kind %d", c.path, reports, c.want)
		}
	}
}

func TestCloseFiles(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	p := New()
	gone, kept := p.File(r), p.File(w)
	p.Close(gone)
	p.CloseFiles(kept)
	p.Call("fcntl", unix.SYS_FCNTL, kept, Int(unix.F_GETFD), Int(0))
	p.Call("fcntl", unix.SYS_FCNTL, gone, Int(unix.F_GETFD), Int(0))
	reports, _ := run(t, p)
	if len(reports) != 1 || !errors.Is(reports[0].Err(), unix.EBADF) {
		t.Errorf("reports %v; want EBADF of the file that is not kept", reports)
	}
}

func TestCloneMountNamesWhatItClones(t *testing.T) {
	p := New()
	fd := p.Reg()
	p.Open("/etc/passwd", unix.O_RDONLY, 0).Into(fd)
	p.Close(fd)
	p.CloneMountOf("the console", fd, false)
	reports, _ := run(t, p)
	if len(reports) != 1 || reports[0].Err().Error() != "open_tree the console: bad file descriptor" {
		t.Errorf("reports %v; want what was to be cloned", reports)
	}
}
