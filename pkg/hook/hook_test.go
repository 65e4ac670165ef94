package hook

import (
	"slices"
	"strings"
	"testing"

	"gantry/pkg/plan"
)

func call(version int, command string) Call {
	return Call{Hook: plan.Hook{Stage: "pre-start", Section: "lxc", Command: command, Origin: plan.Origin{File: "config", Line: 3, Key: "lxc.hook.pre-start"}}, Name: "it's", Version: version}
}

func TestArgv(t *testing.T) {
	if got, want := call(0, "/x y").Argv()[2], `exec /x y 'it'\''s' 'lxc' 'pre-start'`; got != want {
		t.Errorf("version 0: %q; want %q", got, want)
	}
	if got, want := call(1, "/x y").Argv()[2], `exec /x y`; got != want {
		t.Errorf("version 1: %q; want %q", got, want)
	}
}

func TestRun(t *testing.T) {
	if err := call(1, `test "$LXC_HOOK_TYPE$A" = pre-start1`).Run(t.Context(), []string{"A=1", "PATH=/bin:/usr/bin"}, nil); err != nil {
		t.Error(err)
	}
	err := call(0, "/bin/sh -c 'echo why; exit 3'").Run(t.Context(), nil, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "config:3: lxc.hook.pre-start: pre-start hook ") || !strings.HasSuffix(err.Error(), "exited with status 3: why") {
		t.Errorf("error %v; want the line, the status and the last words", err)
	}
}

func TestRunDoesNotWaitForGrandchildren(t *testing.T) {
	if err := call(1, "/bin/sh -c '(sleep 5) & exit 0'").Run(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
}

func TestMerge(t *testing.T) {
	got := Merge([]string{"A=1", "B=2"}, []string{"A=3"}, []string{"C"})
	if want := []string{"A=3", "B=2", "C"}; !slices.Equal(got, want) {
		t.Errorf("Merge = %v; want %v", got, want)
	}
}
