package rig

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience bounds every wait for something the kernel does on its own time.
const patience = 5 * time.Second

// eventually repeats f until it succeeds or patience ends, and returns f's
// last error.
func eventually(f func() error) error {
	var err error
	for end := time.Now().Add(patience); ; {
		if err = f(); err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// processesOf lists the processes of one cgroup directory.
func processesOf(dir string) []int {
	data, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	var pids []int
	for _, field := range strings.Fields(string(data)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}
