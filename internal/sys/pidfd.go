package sys

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// PidOf gives the pid of the process behind a pidfd, as this pid namespace
// numbers it. The error is ESRCH when the process has ended and is waited for,
// or lives in another pid namespace.
func PidOf(pidfd *os.File) (int, error) {
	b, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(pidfd.Fd())))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		value, ok := strings.CutPrefix(line, "Pid:")
		if pid, err := strconv.Atoi(strings.TrimSpace(value)); ok && err == nil && pid > 0 {
			return pid, nil
		}
	}
	return 0, CallError("pidfd", unix.ESRCH)
}

// ParentOf gives the pid of a process's parent.
func ParentOf(pid int) (int, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	// PID (COMM) STATE PPID; COMM may be anything.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	return strconv.Atoi(fields[1])
}
