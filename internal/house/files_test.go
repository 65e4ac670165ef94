package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	files, err := GoFiles("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		breaches, err := Breaches(file)
		if err != nil {
			t.Error(err)
		}
		for _, b := range breaches {
			t.Error(b)
		}
	}
}

// TestPackageComments wants one comment for every package, saying what it is.
func TestPackageComments(t *testing.T) {
	for _, p := range list(t) {
		name, ours := own(p.ImportPath)
		if !ours || len(p.GoFiles) == 0 {
			continue
		}
		if p.Doc == "" {
			t.Errorf("%s has no package comment", name)
		} else if want := "Package " + p.Name + " "; p.Name != "main" && !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package comment begins %.40q; want %q", name, p.Doc, want)
		}
		comments := 0
		for _, file := range p.GoFiles {
			source, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(string(source), "// Package ") || strings.Contains(string(source), "\n// Package "+p.Name+" ") {
				comments++
			}
		}
		if comments > 1 {
			t.Errorf("%s: %d files have a package comment; want one", name, comments)
		}
	}
}

// TestBreaches shows that the checks find what they are for.
func TestBreaches(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.go")
	source := "package bad\n\nfunc init() {}\n\nfunc Naked() {\n" + strings.Repeat("\n", 100) + "}\n\ntype Bare int\n" + strings.Repeat("\n", 400)
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Breaches(file)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{"func init", "Naked has no doc", "Naked has 102 lines", "Bare has no doc", "lines; want at most 400"} {
		if !strings.Contains(all, want) {
			t.Errorf("Breaches(bad.go) = %q; want %q in it", all, want)
		}
	}
}
