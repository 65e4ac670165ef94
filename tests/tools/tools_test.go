package tools

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gantry/tests/rig"
)

var with = flag.String("with", "gantry", "whose tools to run: gantry or lxc")

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	flag.Parse()
	// Stories share /var/lib/lxc and the names of containers.
	if err := flag.Set("test.parallel", "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestStories(t *testing.T) {
	tools := rig.Ours()
	if *with == "lxc" {
		tools = rig.Real()
	}
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(env *testscript.Env) error {
			for _, dir := range []string{"/var/lib/lxc", "/var/log/lxc", "/run/lxc"} {
				if err := empty(dir); err != nil {
					return err
				}
			}
			env.Setenv("PATH", tools.Path())
			env.Setenv("GANTRY_RIG", "inside") // for the helper commands
			env.Setenv("TOOLS", tools.Dir)
			env.Setenv("HOME", "/root")
			before := rig.Look()
			env.Defer(func() {
				defer before.Restore()
				left := leftovers(before)
				if left != nil {
					env.T().Log("left behind:\n" + strings.Join(left, "\n"))
					env.T().FailNow()
				}
			})
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"eventually": eventually,
			"bridge":     bridge,
		},
	})
}

// empty removes what is in a directory, and makes it if it is not there.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return os.MkdirAll(dir, 0o755)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return err
}

// leftovers waits until things are as before, and says what is not.
func leftovers(before rig.Facts) []string {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left := before.Diff(rig.Look())
		if left == nil || time.Now().After(end) {
			return left
		}
	}
}

// eventually is the script command of that name.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: [!] eventually COMMAND [ARG...]")
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if neg == (err != nil) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s: not within five seconds: %v", strings.Join(args, " "), err)
		}
	}
}

// bridge is the script command of that name.
func bridge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bridge NAME ADDRESS/BITS")
	}
	remove, err := rig.Bridge(args[0], args[1])
	ts.Check(err)
	ts.Defer(remove)
}
