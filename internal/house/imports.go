package house

import (
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"
)

// module is the path that all of our packages begin with.
const module = "gantry/"

// A Package is what `go list -json` says of one package, as far as the rules
// need it. Paths of our own packages lack the module: "pkg/plan".
type Package struct {
	ImportPath string
	Name       string
	Doc        string // first sentence of the package comment
	Dir        string
	GoFiles    []string
	Imports    []string // direct, without tests
	Deps       []string // all that are linked
	Standard   bool
}

// own strips the module from one of our import paths.
func own(importPath string) (name string, ok bool) { return strings.CutPrefix(importPath, module) }

// List gives the packages of the module, with everything they depend on.
func List(root string) ([]Package, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports,Deps,Standard",
		"-tags", "urfave_cli_no_docs,urfave_cli_no_suggest", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		return nil, fmt.Errorf("go list: %s", exit.Stderr)
	}
	if err != nil {
		return nil, err
	}
	var all []Package
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p Package
		if err := d.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, p)
	}
}

// A room is a group of packages; what it may import are rooms listed after it.
type room struct {
	name     string
	packages []string // globs; the last element "..." takes everything beneath
	may      []string // names of rooms it may import, besides its own
}

// rooms is the import rule. Every package of ours is in the first room that
// has a pattern for it. Imports only ever point down the list.
var rooms = []room{
	{"shim command", []string{"cmd/lxc-shim"}, []string{"shim", "nouns", "internal"}},
	{"stage command", []string{"cmd/lxc-stage"}, []string{"stage", "shim", "nouns", "plan", "internal"}},
	{"network command", []string{"cmd/lxc-net"}, []string{"tool", "nouns", "plan", "internal"}},
	{"commands", []string{"cmd/..."}, []string{"tool", "container", "compile", "config", "nouns", "plan", "internal"}},
	{"tests", []string{"tests/...", "bench/...", "internal/house"}, []string{"container", "compile", "config", "stage", "nouns", "plan", "internal"}},
	{"tool", []string{"pkg/tool"}, []string{"container", "config", "nouns", "internal"}},
	{"container", []string{"pkg/container", "pkg/container/..."}, []string{"container", "compile", "config", "stage", "nouns", "plan", "internal"}},
	{"compile", []string{"pkg/plan/compile"}, []string{"config", "nouns", "plan", "internal"}},
	{"config", []string{"pkg/config"}, []string{"nouns", "plan", "internal"}},
	{"stage", []string{"pkg/stage/..."}, []string{"nouns", "plan", "internal"}},
	{"shim", []string{"pkg/shim"}, []string{"nouns", "internal"}},
	{"plan", []string{"pkg/plan"}, []string{"internal"}},
	{"nouns", []string{"pkg/..."}, []string{"plan", "internal"}},
	{"internal", []string{"internal/..."}, nil},
}

// roomOf finds the room of one of our packages; nil for none.
func roomOf(name string) *room {
	for i := range rooms {
		for _, pattern := range rooms[i].packages {
			if within(pattern, name) {
				return &rooms[i]
			}
		}
	}
	return nil
}

// within says whether pattern takes in the package name.
func within(pattern, name string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	matched, _ := path.Match(pattern, name)
	return matched
}
