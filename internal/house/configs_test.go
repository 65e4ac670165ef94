package house

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The shared configurations name no hook that is not there: a container that
// includes one could not start, or not be copied.
func TestHooksAreThere(t *testing.T) {
	hook := regexp.MustCompile(`(?m)^lxc\.hook\..*@LXCHOOKDIR@/(\S+)`)
	files, err := filepath.Glob("../../etc/config/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("etc/config: %d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range hook.FindAllSubmatch(text, -1) {
			if _, err := os.Stat("../../hooks/" + string(m[1])); err != nil {
				t.Errorf("%s: %v", filepath.Base(file), err)
			}
		}
	}
}
