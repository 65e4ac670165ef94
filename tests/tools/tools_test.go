package tools

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"gantry/tests/rig"
	"gantry/tests/story"
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
	files, err := filepath.Glob("*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, story.Params(tools, files...))
}
