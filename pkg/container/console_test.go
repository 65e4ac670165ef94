package container

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gantry/internal/paths"
	"gantry/tests/rig"
	"golang.org/x/sys/unix"
)

// consoleVar, a container's path, makes TestConsoleTool a lxc-console.
const consoleVar = "GANTRY_TEST_CONSOLE"

// TestConsoleTool is the tool of the other tests.
func TestConsoleTool(t *testing.T) {
	dir := os.Getenv(consoleVar)
	if dir == "" {
		return
	}
	var o ConsoleOptions
	fmt.Sscan(os.Getenv(consoleVar+"_OPTIONS"), &o.TTY, &o.Escape)
	if err := Console(&Container{LXCPath: filepath.Dir(dir), Name: filepath.Base(dir), Paths: paths.Find()}, o); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A seat is a terminal with lxc-console running on it.
type seat struct {
	t    *testing.T
	ptx  *os.File
	cmd  *exec.Cmd
	seen []byte
}

func sit(t *testing.T, dir string, o ConsoleOptions) *seat {
	t.Helper()
	ptx, pts, err := rig.OpenTTY()
	if err != nil {
		t.Fatal(err)
	}
	defer pts.Close()
	s := &seat{t: t, ptx: ptx, cmd: exec.Command("/proc/self/exe", "-test.run=^TestConsoleTool$")}
	s.cmd.Env = append(os.Environ(), consoleVar+"="+dir, fmt.Sprintf("%s_OPTIONS=%d %d", consoleVar, o.TTY, o.Escape))
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = pts, pts, pts
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); ptx.Close() })
	return s
}

// expect reads until text has come.
func (s *seat) expect(text string) {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !bytes.Contains(s.seen, []byte(text)) {
		if time.Now().After(deadline) {
			s.t.Fatalf("seen %q; want %q in it", s.seen, text)
		}
		if ready, _ := unix.Poll([]unix.PollFd{{Fd: int32(s.ptx.Fd()), Events: unix.POLLIN}}, 100); ready <= 0 {
			continue
		}
		var b [4096]byte
		n, err := s.ptx.Read(b[:])
		s.seen = append(s.seen, b[:n]...)
		if err != nil {
			s.t.Fatalf("seen %q until %v; want %q in it", s.seen, err, text)
		}
	}
}

func (s *seat) typed(keys string) { s.ptx.WriteString(keys) }

func (s *seat) wantExit(code int) {
	s.t.Helper()
	s.cmd.Wait()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code = %d, seen %q; want %d", got, s.seen, code)
	}
}

// startShell starts, with C LXC, a container with shells on console and tty1.
func startShell(t *testing.T) (dir string) {
	t.Helper()
	lxcpath := t.TempDir()
	if err := rig.Define(lxcpath, "web"); err != nil {
		t.Fatal(err)
	}
	dir = lxcpath + "/web"
	rc := "for t in console tty1; do sh -c 'while :; do sh -i; done' </dev/$t >/dev/$t 2>&1 & done\n"
	if err := os.WriteFile(dir+"/rootfs/etc/rc", []byte(rc), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("lxc-start", "-P", lxcpath, "-n", "web").CombinedOutput(); err != nil {
		t.Fatalf("lxc-start: %v: %s", err, out)
	}
	t.Cleanup(func() {
		exec.Command("lxc-stop", "-k", "-P", lxcpath, "-n", "web").Run()
		rig.KillContainers()
	})
	return dir
}

// TestConsole sits at terminals of a container whose monitor is C LXC's.
func TestConsole(t *testing.T) {
	dir := startShell(t)
	for tty := range 2 {
		s := sit(t, dir, ConsoleOptions{TTY: tty, Escape: 1})
		s.expect(fmt.Sprintf("\r\nConnected to tty %d\r\nType <Ctrl+a q> to exit the console, <Ctrl+a Ctrl+a> to enter Ctrl+a itself\r\n", tty))
		s.typed("echo $((6*7)).\r")
		s.expect("42.")
		s.typed("\x01q")
		s.wantExit(0)
	}
	// Taken again it goes on where it was left.
	first := sit(t, dir, ConsoleOptions{TTY: -1, Escape: 2})
	first.expect("<Ctrl+b Ctrl+b>")
	first.typed("stty size\r")
	first.expect("24 80")
	second := sit(t, dir, ConsoleOptions{TTY: 1, Escape: 1})
	second.expect("denied access to tty 1")
	second.wantExit(1)
	console := sit(t, dir, ConsoleOptions{TTY: 0})
	console.typed("\r")
	console.expect("/ # ") // the shell edits its line: \x01 goes to the beginning
	console.typed("\x01q\x7fecho ab\x7fc\r")
	console.expect("\nac")
	if strings.Contains(string(console.seen), "Connected") {
		t.Errorf("without escape seen %q; want no banner", console.seen)
	}

	if out, err := exec.Command("lxc-stop", "-k", "-P", filepath.Dir(dir), "-n", "web").CombinedOutput(); err != nil {
		t.Fatalf("lxc-stop: %v: %s", err, out)
	}
	first.wantExit(0)
	console.wantExit(0)
	late := sit(t, dir, ConsoleOptions{TTY: 0})
	late.expect("web is not running")
	late.wantExit(1)
}
