package stage

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gantry/pkg/interrupt"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// A signal that comes while set-up waits for something ends it, and nothing
// remains but what the hooks of a stop leave.
func TestInterrupted(t *testing.T) {
	for _, stage := range []string{"pre-start", "start-host"} {
		t.Run(stage, func(t *testing.T) {
			dir := t.TempDir()
			p := simple(t, "/bin/sleep", "1000")
			p.Hooks = []plan.Hook{
				{Stage: stage, Section: "lxc", Command: "sh -c ': >" + dir + "/begun; exec sleep 1000'"},
				{Stage: "post-stop", Section: "lxc", Command: "touch " + dir + "/stopped"},
			}
			go func() {
				for range 2000 {
					time.Sleep(5 * time.Millisecond)
					if _, err := os.Stat(dir + "/begun"); err == nil {
						break
					}
				}
				unix.Kill(os.Getpid(), unix.SIGTERM)
			}()
			if err := start(t, p); !errors.Is(err, interrupt.Error{Signal: unix.SIGTERM}) {
				t.Fatalf("Start = %v; want %v", err, interrupt.Error{Signal: unix.SIGTERM})
			}
			if _, err := os.Stat(dir + "/stopped"); err != nil {
				t.Errorf("post-stop hook: %v; want it to have run", err)
			}
			if left, _ := filepath.Glob("/sys/fs/cgroup/*/*" + p.Name); left != nil {
				t.Errorf("left: %v", left)
			}
		})
	}
}
