package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lease takes a write lease on a file (fcntl(2), F_SETLEASE) and does not give
// it back: whoever opens or executes the file is held up, for as long as
// /proc/sys/fs/lease-break-time says.
func lease(args []string) error {
	f, err := os.OpenFile(args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// The notice that somebody wants the file would kill.
	var ignore [4]uint64
	ignore[0] = 1 // SIG_IGN
	if err := sigaction(unix.SIGIO, &ignore); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		return err
	}
	fmt.Println("leased")
	return wait()
}

// spy waits for a process that has a word in its command line, or that runs
// the file lxc, and tells all it can get at through /proc.
func spy(args []string) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range dirs {
			line, _ := os.ReadFile(dir + "/cmdline")
			if string(line) != "lxc\x00" { // not yet executed
				continue
			}
			pid, _ := strconv.Atoi(filepath.Base(dir))
			unix.Kill(pid, unix.SIGSTOP)
			inspect(dir, pid)
			unix.Kill(pid, unix.SIGCONT)
			return nil
		}
	}
	return fmt.Errorf("nobody came")
}

// inspect tells what of a process is open to us.
func inspect(dir string, pid int) {
	fmt.Println("found", pid)
	for _, file := range []string{"exe", "mem"} {
		for _, mode := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR} {
			if f, err := os.OpenFile(dir+"/"+file, mode, 0); err == nil {
				fmt.Println("open", file, mode)
				f.Close()
			}
		}
	}
	for _, link := range []string{"cwd", "root", "exe"} {
		if target, err := os.Readlink(dir + "/" + link); err == nil {
			fmt.Println(link, target)
		}
	}
	reach(dir + "/cwd")
	reach(dir + "/root")
	entries, _ := os.ReadDir(dir + "/fd")
	for _, e := range entries {
		target, _ := os.Readlink(dir + "/fd/" + e.Name())
		fmt.Println("fd", e.Name(), target)
		reach(dir + "/fd/" + e.Name())
	}
	status, _ := os.ReadFile(dir + "/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapPrm:") || strings.HasPrefix(line, "CapBnd:") || strings.HasPrefix(line, "Seccomp:") {
			fmt.Print(strings.Replace(line, ":\t", " ", 1))
		}
	}
	if err := unix.PtraceSeize(pid); err == nil {
		fmt.Println("traced")
	}
	// Threads of ours that are visible through it are not interesting; the
	// processes of the host would be.
	for _, of := range []string{"1/root", "1/cwd"} {
		reach(dir + "/root/proc/" + of)
	}
}

// reach tries to get at the secret from a directory.
func reach(dir string) {
	up := ""
	for range 12 {
		for _, way := range []string{secret, "1/root/" + secret} {
			if b, err := os.ReadFile(dir + "/" + up + way); err == nil {
				fmt.Println("SECRET", dir+"/"+up+way, string(b))
			}
		}
		up += "../"
	}
}

// forge writes into every pipe the init has open what might be a message of the
// init's to set-up, of any kind but failures.
func forge([]string) error {
	pipes, _ := filepath.Glob("/proc/1/fd/*")
	for _, file := range pipes {
		if target, _ := os.Readlink(file); !strings.HasPrefix(target, "pipe:") {
			continue
		}
		f, err := os.OpenFile(file, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		fmt.Println("forged", file)
		for kind := range uint32(40) {
			message := binary.NativeEndian.AppendUint32([]byte{0, 0, 0, 0}, 2+kind/2)
			f.Write(binary.NativeEndian.AppendUint64(message, 1))
		}
		f.Close()
	}
	return nil
}

// impersonate waits for the next process of the pid namespace and tells set-up,
// in its launcher's name, that it is another of the host's: PID-OUTSIDE.
func impersonate(args []string) error {
	pid, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return err
	}
	message := binary.NativeEndian.AppendUint64([]byte{0, 0, 0, 0, 8, 0, 0, 0}, pid)
	for {
		last, err := os.ReadFile("/proc/sys/kernel/ns_last_pid")
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(strings.TrimSpace(string(last)))
		dir := "/proc/" + strconv.Itoa(n+1) + "/fd/"
		for range 2000 {
			for fd := 8; fd < 13; fd++ {
				file, err := unix.Open(dir+strconv.Itoa(fd), unix.O_WRONLY|unix.O_NONBLOCK, 0)
				if err == unix.ENOENT {
					break
				}
				if err == nil {
					unix.Write(file, message)
					unix.Close(file)
					fmt.Println("told", dir, fd)
				}
			}
		}
	}
}

// fds lists the open files.
func fds([]string) error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.Contains(target, "anon_inode") && !strings.HasPrefix(target, "/proc/") { // our own runtime's
			fmt.Println("fd", e.Name(), target)
		}
	}
	for _, link := range []string{"cwd", "root"} {
		target, _ := os.Readlink("/proc/self/" + link)
		fmt.Println(link, target)
	}
	return nil
}
