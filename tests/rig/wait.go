package rig

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Patience bounds every wait for something the kernel does on its own time:
// five seconds, or GANTRY_PATIENCE on a machine that is slower.
func Patience() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("GANTRY_PATIENCE")); err == nil {
		return d
	}
	return 5 * time.Second
}

// eventually repeats f until it succeeds or Patience ends, and returns f's
// last error.
func eventually(f func() error) error {
	var err error
	for end := time.Now().Add(Patience()); ; {
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
