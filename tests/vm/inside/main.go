// Inside tells one story in a guest of tests/vm:
//
//	inside FILE
//
// It takes the guest for its own, and exits with 1 if the story is not told to
// its end.
package main

import (
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"gantry/tests/rig"
	"gantry/tests/story"
)

func main() {
	if err := rig.Adopt(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: inside FILE")
		os.Exit(2)
	}
	t := &teller{}
	installed := rig.Toolset{Name: "gantry", Dir: "/usr/bin"}
	t.Run("", func(t testscript.T) { testscript.RunT(t, story.Params(installed, os.Args[1])) })
	if t.failed {
		os.Exit(1)
	}
}

// A teller is the test that testscript runs in.
type teller struct {
	failed bool
}

// end is what a panic that ends a story carries.
type end struct{}

func (t *teller) Run(name string, f func(testscript.T)) {
	defer func() {
		if r := recover(); r != nil && r != any(end{}) {
			panic(r)
		}
	}()
	f(t)
}

func (t *teller) FailNow() {
	t.failed = true
	panic(end{})
}

func (t *teller) Fatal(args ...any) {
	t.Log(args...)
	t.FailNow()
}

// Skip fails: a story that is not told proves nothing.
func (t *teller) Skip(args ...any) { t.Fatal(append([]any{"skipped: "}, args...)...) }
func (t *teller) Log(args ...any)  { fmt.Println(args...) }
func (t *teller) Parallel()        {}
func (t *teller) Verbose() bool    { return false }
