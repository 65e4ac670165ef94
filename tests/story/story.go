// Package story tells stories: testscript files that run the lxc-* tools on
// real containers. They are told in the small machine of tests/rig, and in the
// virtual machines of tests/vm.
//
// Besides testscript's own commands a story has those of rig (define, ready,
// on-tty: for exec), and
//
//	[!] eventually COMMAND [ARG...]   waits until the command succeeds, or fails
//	bridge NAME ADDRESS/BITS          a bridge, until the story ends
//	login USER COMMAND [ARG...]       runs a command in a login session of its own (needs systemd)
//
// A story that leaves anything behind fails.
package story

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gantry/tests/rig"
)

// Params tells the stories of files with a toolset.
func Params(tools rig.Toolset, files ...string) testscript.Params {
	return testscript.Params{
		Files: files,
		Setup: func(env *testscript.Env) error {
			for _, dir := range []string{"/var/lib/lxc", "/var/log/lxc", "/run/lxc"} {
				if err := Empty(dir); err != nil {
					return err
				}
			}
			env.Setenv("PATH", tools.Path())
			env.Setenv("GANTRY_RIG", "inside") // for the helper commands
			env.Setenv("GANTRY_PATIENCE", rig.Patience().String())
			env.Setenv("TOOLS", tools.Dir)
			env.Setenv("HOME", "/root")
			before := rig.Look()
			env.Defer(func() {
				defer before.Restore()
				if left := leftovers(before); left != nil {
					env.T().Log("left behind:\n" + strings.Join(left, "\n"))
					env.T().FailNow()
				}
			})
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"eventually": eventually,
			"bridge":     bridge,
			"login":      login,
		},
	}
}

// Empty removes what is in a directory, and makes it if it is not there.
func Empty(dir string) error {
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
	for end := time.Now().Add(rig.Patience()); ; time.Sleep(10 * time.Millisecond) {
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
	for end := time.Now().Add(rig.Patience()); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if neg == (err != nil) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s: not within %v: %v", strings.Join(args, " "), rig.Patience(), err)
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

// login is the script command of that name. PAM makes the session as it does
// for one who logs in: with a scope, a runtime directory and a user's systemd.
// The directory is the user's home, the environment that of a login shell.
func login(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] login USER COMMAND [ARG...]")
	}
	// Type=exec with PAMName= never becomes active in systemd 252.
	err := ts.Exec("systemd-run", append([]string{"--quiet", "--wait", "--collect", "--pipe",
		"-p", "Type=simple", "-p", "User=" + args[0], "-p", "PAMName=login", "-p", "WorkingDirectory=~",
		"/bin/bash", "-l", "-c", `"$@"`, "-"}, args[1:]...)...)
	switch {
	case neg && err == nil:
		ts.Fatalf("unexpected success")
	case !neg:
		ts.Check(err)
	}
}
