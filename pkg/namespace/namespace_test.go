package namespace

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDiffering(t *testing.T) {
	cmd := exec.Command("sleep", "10")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS | unix.CLONE_NEWNET}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	got, err := Differing(0, cmd.Process.Pid)
	if err != nil || got != unix.CLONE_NEWUTS|unix.CLONE_NEWNET {
		t.Errorf("Differing = %#x, %v; want uts and net", got, err)
	}
	if got, err := Differing(os.Getpid(), 0); err != nil || got != 0 {
		t.Errorf("Differing from itself = %#x, %v; want 0", got, err)
	}
}

func TestOpenPath(t *testing.T) {
	f, err := OpenPath("/proc/self/ns/net", "net")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, path := range []string{"/proc/self/ns/uts", "/etc/passwd", "/nonexistent"} {
		if f, err := OpenPath(path, "net"); err == nil {
			f.Close()
			t.Errorf("OpenPath(%q) succeeded; want an error", path)
		}
	}
}

func TestOpenOf(t *testing.T) {
	cmd := exec.Command("sleep", "10")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	defer pidfd.Close()
	f, err := OpenOf(pidfd, "net")
	if err != nil {
		t.Errorf("OpenOf: %v", err)
	}
	f.Close()
	cmd.Process.Kill()
	cmd.Wait()
	if f, err := OpenOf(pidfd, "net"); err == nil {
		f.Close()
		t.Error("OpenOf a process that has ended succeeded; want an error")
	}
}

func TestByName(t *testing.T) {
	for _, name := range []string{"net", "NETWORK", "network"} {
		if k, ok := ByName(name); !ok || k.Name != "net" {
			t.Errorf("ByName(%q) = %v, %v; want net", name, k, ok)
		}
	}
}
