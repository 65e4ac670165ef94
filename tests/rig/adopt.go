package rig

import (
	"os"
	"os/exec"
	"path"
	"strings"
	"time"
)

// Adopt takes the whole machine for the small one: a virtual machine that is
// thrown away afterwards. Patience becomes what suits its speed.
func Adopt() error {
	if os.Getenv(role) == "inside" {
		runHelper()
		return nil
	}
	os.Setenv(role, "inside")
	os.Setenv("GANTRY_PATIENCE", (Patience() * time.Duration(slowness())).String())
	return installHelpers()
}

// slowness is how many times longer this machine takes for a process than a
// common one, which does that in two milliseconds; at least 1.
func slowness() int {
	const times = 10
	start := time.Now()
	for range times {
		exec.Command("/bin/true").Run()
	}
	return 1 + int(time.Since(start)/times/(2*time.Millisecond))
}

// serves says whether systemd looks after a process: it belongs to a service,
// or is systemd itself.
func serves(proc string) bool {
	b, _ := os.ReadFile(proc + "/cgroup")
	for line := range strings.Lines(string(b)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && (fields[0] == "0" || fields[1] == "name=systemd") {
			unit := path.Base(fields[2])
			if strings.HasSuffix(unit, ".service") || unit == "init.scope" {
				return true
			}
		}
	}
	return false
}
