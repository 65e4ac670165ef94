package session

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gantry/pkg/terminal"
	"golang.org/x/sys/unix"
)

// commandVar makes the test binary a tool that runs the shell command on a pty
// of its own, in a session with its standard files.
const commandVar = "GANTRY_TEST_COMMAND"

func TestMain(m *testing.M) {
	if command := os.Getenv(commandVar); command != "" {
		os.Exit(tool(command))
	}
	os.Exit(m.Run())
}

// tool prints the end to the standard error and exits with the command's code.
func tool(command string) int {
	ptx, pts, err := terminal.Open()
	if err != nil {
		panic(err)
	}
	pidfd := -1
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pts, pts, pts
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, PidFD: &pidfd}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	pts.Close()
	s := &Session{In: os.Stdin, Out: os.Stdout, Ptx: ptx, Escape: 1, Child: os.NewFile(uintptr(pidfd), "pidfd")}
	result, err := s.Run()
	fmt.Fprintln(os.Stderr, result.End, err)
	if result.End == Signaled {
		Raise(result.Signal)
	}
	if result.End == Left {
		cmd.Process.Kill()
	}
	cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// A user sits at a terminal in front of a tool.
type user struct {
	t        *testing.T
	ptx, pts *os.File // of the user's terminal
	cmd      *exec.Cmd
	stderr   bytes.Buffer
	seen     []byte
	before   unix.Termios // the terminal's modes before the tool
}

// sit starts the tool. With a nil stdout that is the terminal too. ahead is typed
// before.
func sit(t *testing.T, command string, stdout *os.File, ahead ...string) *user {
	t.Helper()
	ptx, pts, err := terminal.Open()
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, ptx: ptx, pts: pts}
	u.before = u.modes()
	for _, keys := range ahead {
		u.typed(keys)
	}
	u.cmd = exec.Command("/proc/self/exe")
	u.cmd.Env = append(os.Environ(), commandVar+"="+command)
	u.cmd.Stdin, u.cmd.Stdout, u.cmd.Stderr = pts, pts, &u.stderr
	if stdout != nil {
		u.cmd.Stdout = stdout
	}
	u.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.cmd.Process.Kill(); ptx.Close(); pts.Close() })
	return u
}

// modes gives those of the user's terminal.
func (u *user) modes() unix.Termios {
	modes, err := unix.IoctlGetTermios(int(u.pts.Fd()), unix.TCGETS)
	if err != nil {
		u.t.Fatal(err)
	}
	return *modes
}

// read waits for output; false is none within a tenth of a second.
func (u *user) read() bool {
	var b [1 << 16]byte
	ready, _ := unix.Poll([]unix.PollFd{{Fd: int32(u.ptx.Fd()), Events: unix.POLLIN}}, 100)
	if ready <= 0 {
		return false
	}
	n, err := u.ptx.Read(b[:])
	u.seen = append(u.seen, b[:n]...)
	return err == nil
}

// until waits for something to be true.
func (u *user) until(what string, done func() bool) {
	u.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); u.read() {
		if time.Now().After(deadline) {
			u.t.Fatalf("no %s; seen %q, stderr %q", what, u.seen, u.stderr.String())
		}
	}
}

// expect waits for text on the terminal.
func (u *user) expect(text string) {
	u.t.Helper()
	u.until(text, func() bool { return bytes.Contains(u.seen, []byte(text)) })
}

func (u *user) typed(keys string) { io.WriteString(u.ptx, keys) }

// wait reads until the tool ends and gives how.
func (u *user) wait(end string) *os.ProcessState {
	u.t.Helper()
	done := make(chan struct{})
	go func() { u.cmd.Wait(); close(done) }()
	u.until("end", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	for u.read() {
	}
	if got := u.stderr.String(); end != "" && got != end+" <nil>\n" {
		u.t.Errorf("end = %q; want %s", got, end)
	}
	return u.cmd.ProcessState
}

var ends = map[End]string{Left: "0", HungUp: "1", ChildEnded: "2", InputEnded: "3", Signaled: "4"}

const megabytes = `awk 'BEGIN { for (i = 0; i < 300000; i++) printf "line %08d\n", i }'`

func wantMegabytes(newline string) string {
	var b strings.Builder
	for i := range 300000 {
		fmt.Fprintf(&b, "line %08d%s", i, newline)
	}
	return b.String()
}

func TestNoByteIsLost(t *testing.T) {
	u := sit(t, megabytes, nil)
	u.wait("")
	if want := wantMegabytes("\r\n"); string(u.seen) != want {
		t.Errorf("%d bytes on the terminal; want %d", len(u.seen), len(want))
	}
}

// TestNoByteIsLostInASlowPipe stalls now and then.
func TestNoByteIsLostInASlowPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	u := sit(t, megabytes, w)
	w.Close()
	var got []byte
	b := make([]byte, 100_000)
	for i := 0; ; i++ {
		n, err := r.Read(b)
		got = append(got, b[:n]...)
		if err != nil {
			break
		}
		if i%20 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	u.wait("")
	if want := wantMegabytes("\r\n"); string(got) != want {
		t.Errorf("%d bytes through the pipe; want %d", len(got), len(want))
	}
}

// TestRegularFile is appended to, at the place the shell is at.
func TestRegularFile(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("before\n")
	sit(t, "echo inside", f).wait("")
	f.WriteString("after\n")
	if got, _ := os.ReadFile(f.Name()); string(got) != "before\ninside\r\nafter\n" {
		t.Errorf("file = %q; want before, inside, after", got)
	}
}

// TestGrandchildKeepsThePty is left behind, sleeping or shouting.
func TestGrandchildKeepsThePty(t *testing.T) {
	for _, command := range []string{
		"trap '' HUP; sleep 20 & echo done; exit 7",
		"trap '' HUP; yes & sleep 0.2; echo done; exit 7",
	} {
		start := time.Now()
		u := sit(t, command, nil)
		if code := u.wait(ends[ChildEnded]).ExitCode(); code != 7 {
			t.Errorf("%s: exit code %d; want 7", command, code)
		}
		if !bytes.Contains(u.seen, []byte("done")) {
			t.Errorf("%s: %d bytes without what the child wrote", command, len(u.seen))
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s takes %v", command, took)
		}
	}
}

func TestChildClosesThePty(t *testing.T) {
	u := sit(t, "echo bye; exec </dev/null >/dev/null 2>&1; sleep 0.5", nil)
	u.wait(ends[HungUp])
	if got, want := string(u.seen), "bye\r\n"; got != want {
		t.Errorf("seen %q; want %q", got, want)
	}
}

func TestKeysAndEscape(t *testing.T) {
	u := sit(t, "stty raw -echo; echo ready; dd bs=1 count=5 2>/dev/null | od -An -c; sleep 20", nil)
	u.expect("ready")
	u.typed("\x03\x1a\x01\x01\x01xy")
	u.expect(`003 032 001   x   y`)
	before := len(u.seen)
	u.typed("z\x01q")
	u.wait(ends[Left])
	if got := u.seen[before:]; len(bytes.TrimSpace(got)) != 0 {
		t.Errorf("after leaving seen %q; want nothing", got)
	}
}

// What is typed before the terminal is raw is not lost, an end of file neither:
// script(1) types one when its own input ends.
func TestTypedAhead(t *testing.T) {
	u := sit(t, "cat; echo over; od -An -c", nil, "word\n\x04ab\n\x04")
	u.wait("") // by the child's end or by the hang-up: the kernel closes its files before it tells
	got := strings.Join(strings.Fields(string(u.seen)), " ")
	if !strings.Contains(got, "word") || !strings.Contains(got, "over") || !strings.HasSuffix(got, `a b \n`) {
		t.Errorf("seen %q; want word, over, a b", u.seen)
	}
}

func TestWindowSize(t *testing.T) {
	u := sit(t, "trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done", nil)
	u.expect("ready")
	unix.IoctlSetWinsize(int(u.ptx.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 41, Col: 123})
	u.expect("41 123")
}

// TestSignals checks that the terminal is itself again when a signal ends the
// tool, and that this end looks like one by the signal.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT} {
		u := sit(t, "echo ready; sleep 20", nil)
		u.expect("ready")
		if u.modes() == u.before {
			t.Error("the terminal is not raw")
		}
		u.cmd.Process.Signal(sig)
		status := u.wait("").Sys().(syscall.WaitStatus)
		if u.modes() != u.before {
			t.Errorf("%v leaves the terminal in other modes", sig)
		}
		if status.Signal() != sig {
			t.Errorf("%v ends the tool with %v", sig, status)
		}
	}
}

// TestStopAndContinue gives the terminal back while the tool is stopped.
func TestStopAndContinue(t *testing.T) {
	for _, sig := range []syscall.Signal{unix.SIGTSTP, unix.SIGSTOP} {
		u := sit(t, "echo ready; read x; echo got $x", nil)
		u.expect("ready")
		raw := u.modes()
		u.cmd.Process.Signal(sig)
		u.until("stop", func() bool { return strings.Contains(processState(u.cmd.Process.Pid), "T") })
		if sig == unix.SIGTSTP && u.modes() != u.before {
			t.Error("the terminal is not itself while the tool is stopped")
		}
		if err := terminal.Restore(int(u.pts.Fd()), &u.before); err != nil { // as a shell does
			t.Fatal(err)
		}
		u.cmd.Process.Signal(unix.SIGCONT)
		u.until("raw mode", func() bool { return u.modes() == raw })
		u.typed("again\r")
		u.expect("got again")
		u.wait("")
		if u.modes() != u.before {
			t.Errorf("modes after %v and the end differ", sig)
		}
	}
}

func processState(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(b), ") ")
	return after[:min(len(after), 1)]
}

// TestSharedFilesStayBlocking looks at what the shell would find afterwards.
func TestSharedFilesStayBlocking(t *testing.T) {
	u := sit(t, "echo ready; read x", nil)
	u.expect("ready")
	for range 2 {
		if flags, _ := unix.FcntlInt(u.pts.Fd(), unix.F_GETFL, 0); flags&unix.O_NONBLOCK != 0 {
			t.Error("the user's terminal is non-blocking")
		}
		u.typed("\r")
		u.wait("")
	}
}

func TestEscapeFilter(t *testing.T) {
	for _, c := range []struct {
		key      byte
		in, want string
		quit     bool
	}{
		{1, "plain", "plain", false},
		{1, "a\x01qb", "a", true},
		{1, "\x01\x01", "\x01", false},
		{1, "\x01\x01q", "\x01q", false},
		{1, "\x01xq", "xq", false},
		{1, "q", "q", false},
		{2, "\x01q\x02q", "\x01q", true},
		{0, "\x01q", "\x01q", false},
	} {
		for _, step := range []int{1, 100} {
			e := escape{key: c.key}
			var got []byte
			var quit bool
			for i := 0; i < len(c.in) && !quit; i += step {
				var out []byte
				out, quit = e.filter([]byte(c.in[i:min(i+step, len(c.in))]))
				got = append(got, out...)
			}
			if string(got) != c.want || quit != c.quit {
				t.Errorf("filter(%q), %d at a time = %q, %v; want %q, %v", c.in, step, got, quit, c.want, c.quit)
			}
		}
	}
}
