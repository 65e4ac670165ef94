package shim

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHold sends a process of many threads the signals that would end it: all
// arrive by its signalfd.
func TestHold(t *testing.T) {
	if os.Getenv("HOLDING") != "" {
		os.Exit(holding())
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHold$")
	cmd.Env = append(os.Environ(), "HOLDING=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() }).Stop()
	out.Read(make([]byte, 1))
	for _, s := range held {
		unix.Kill(cmd.Process.Pid, s)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after %v: %v; want all of them read", held, err)
	}
}

// holding reads the signals and gives the exit code: 0 when all have come.
func holding() int {
	if Hold() != nil {
		return 2
	}
	for range 20 {
		go unix.Pause()
	}
	set := unix.Sigset_t{}
	for _, s := range held {
		set.Val[0] |= 1 << (s - 1)
	}
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC)
	if err != nil {
		return 3
	}
	os.Stdout.Write([]byte{1})
	for seen := uint64(0); seen != set.Val[0]; {
		info := make([]byte, siginfoSize)
		if n, err := unix.Read(fd, info); n != len(info) || err != nil {
			return 4
		}
		seen |= 1 << (info[0] - 1)
	}
	return 0
}

// siginfoSize is that of a signalfd_siginfo.
const siginfoSize = 128
