package house

import (
	"slices"
	"strings"
	"testing"
)

func list(t *testing.T) []Package {
	t.Helper()
	all, err := List("../..")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestImportRule checks every import between our own packages against rooms.
func TestImportRule(t *testing.T) {
	for _, p := range list(t) {
		name, ours := own(p.ImportPath)
		if !ours {
			continue
		}
		from := roomOf(name)
		if from == nil {
			t.Errorf("%s is in no room of internal/house: say there who may import it", name)
			continue
		}
		for _, imported := range p.Imports {
			target, ours := own(imported)
			if !ours {
				continue
			}
			if to := roomOf(target); to == nil || to != from && !slices.Contains(from.may, to.name) {
				t.Errorf("%s imports %s: %s may import only %s", name, target, from.name, strings.Join(from.may, ", "))
			}
			if strings.HasPrefix(target, "cmd/") {
				t.Errorf("%s imports %s: nothing imports a command", name, target)
			}
		}
	}
}

// heavy are packages that a lean package must not link, directly or through
// others: each container has its own shim, and every one of these would cost
// it memory for as long as the container runs.
var heavy = []string{
	"fmt", "net", "log", "context", "bufio", "os/exec", "os/signal", "encoding/json", "encoding/gob", "text/template",
	"regexp", "math/big", "flag", "github.com/vishvananda/netlink", "github.com/cilium/ebpf", "github.com/urfave/cli/v2",
	"github.com/BurntSushi/toml",
}

// spared are packages that x/sys/unix links, a little of each; a lean package
// does not add to that.
var spared = []string{"reflect", "sort", "encoding/binary"}

// lean are the packages the shim links, and those that mean to stay fit for it.
var lean = []string{"cmd/lxc-shim", "pkg/shim", "pkg/command", "internal/sys", "internal/log", "internal/cleanup"}

func TestLeanPackages(t *testing.T) {
	for _, p := range list(t) {
		name, ours := own(p.ImportPath)
		if !ours || !slices.Contains(lean, name) {
			continue
		}
		for _, h := range heavy {
			if slices.Contains(p.Deps, h) {
				t.Errorf("%s links %s, by way of %s", name, h, strings.Join(route(list(t), p.ImportPath, h), " -> "))
			}
		}
		for _, h := range spared {
			if slices.Contains(p.Imports, h) {
				t.Errorf("%s imports %s", name, h)
			}
		}
	}
}

// route gives one chain of imports from a package to another.
func route(all []Package, from, to string) []string {
	byPath := map[string]Package{}
	for _, p := range all {
		byPath[p.ImportPath] = p
	}
	type visit struct {
		path  string
		chain []string
	}
	seen := map[string]bool{}
	for queue := []visit{{from, nil}}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		chain := append(slices.Clone(v.chain), strings.TrimPrefix(v.path, module))
		if v.path == to {
			return chain
		}
		for _, next := range byPath[v.path].Imports {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, visit{next, chain})
			}
		}
	}
	return nil
}

// shimImports pins what lxc-shim links of ours and of others. What the
// standard library links for its own sake is not listed.
var shimImports = []string{
	"golang.org/x/sys/unix",
	"internal/cleanup",
	"internal/log",
	"internal/sys",
	"pkg/cgroup",
	"pkg/command",
	"pkg/handover",
	"pkg/plan",
	"pkg/seccomp/notify",
	"pkg/shim",
	"pkg/terminal",
}

func TestShimImports(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath != module+"cmd/lxc-shim" {
			continue
		}
		var got []string
		for _, dep := range p.Deps {
			if name, ours := own(dep); ours {
				got = append(got, name)
			} else if strings.Contains(dep, ".") && !strings.HasPrefix(dep, "vendor/") {
				got = append(got, dep)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, shimImports) {
			t.Errorf("lxc-shim links\n  %s\nwant\n  %s\nA new one must be worth its memory in every shim; then pin it here.",
				strings.Join(got, "\n  "), strings.Join(shimImports, "\n  "))
		}
		return
	}
}
