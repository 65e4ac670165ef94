package template

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recipe writes a recipe and loads it.
func recipe(t *testing.T, text string) (*Recipe, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

func mustRecipe(t *testing.T, text string) *Recipe {
	t.Helper()
	r, err := recipe(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoadNamesTheFault(t *testing.T) {
	tests := []struct{ text, want string }{
		{"x = ", "test.toml:1: "},
		{"descripton = 'x'", "descripton: unknown key"},
		{"[[option]]\nname = 'a'\n[[option]]\nname = 'a'", `option "a": `},
		{"[[option]]\nname = 'help'", `option "help": `},
		{"[[option]]\nname = 'path'", `option "path": `},
		{"[[option]]\nname = 'a'\nshort = 'ab'", `option "a": `},
		{"[[option]]\nname = 'a'\npattern = '('", "option a: pattern: "},
		{"[[step]]\nrun = 'x'\nfile = 'y'", "step 1: exactly one of"},
		{"[[step]]\ntitle = 'x'", "step 1: exactly one of"},
		{"[[step]]\nlink = 'x'", "step 1: link needs target"},
		{"[[step]]\nrun = 'x'\nwhen = 'y'", "step 1: when: there is no option y"},
		{"[[step]]\ndir = 'x'\nmode = '9'", "step 1: mode: "},
		{"[[prepare]]\nrun = 'x'", "prepare needs a bootstrap"},
	}
	for _, test := range tests {
		if _, err := recipe(t, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Load(%q) = %v; want an error with %q", test.text, err, test.want)
		}
	}
}

// The recipes of the product are read by everybody else's machine, too.
func TestOwnRecipes(t *testing.T) {
	files, err := filepath.Glob("../../templates/*.toml")
	if err != nil || len(files) < 2 {
		t.Fatalf("templates: %v, %v", files, err)
	}
	for _, file := range files {
		r, err := Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		j := job{recipe: r, facts: facts{"name": "n", "path": "/p", "rootfs": "/r", "config": "/c", "hooks": "/h", "idmap": true}}
		values, _, err := r.parse(nil)
		if err != nil {
			t.Error(err)
		}
		for name, value := range values {
			j.facts[variable(name)] = value
		}
		for i, s := range append(r.Prepare, r.Steps...) {
			for _, template := range []string{s.Dir, s.File, s.Content, s.Link, s.Target, s.Copy, s.To} {
				if _, err := j.facts.expand("step", template); err != nil {
					t.Errorf("%s: step %d: %v", file, i+1, err)
				}
			}
		}
		if _, err := j.facts.expand("config", r.Config); err != nil {
			t.Errorf("%s: config: %v", file, err)
		}
	}
}

const withOptions = `
description = "A test"
[[option]]
name = "release"
short = "r"
arg = "SUITE"
default = "stable"
help = "suite"
pattern = '[a-z]+'
[[option]]
name = "flush-cache"
short = "F"
help = "anew"
[[option]]
name = "root-password"
short = "p"
arg = "PASSWORD"
secret = true
[[option]]
name = "arch"
arg = "ARCH"
default = "arch"
`

func TestParse(t *testing.T) {
	r := mustRecipe(t, withOptions)
	tests := []struct {
		args    string
		release string
		flush   string
	}{
		{"", "stable", ""},
		{"-r sid", "sid", ""},
		{"-rsid", "sid", ""},
		{"-Frsid", "sid", "yes"},
		{"--release=sid -F", "sid", "yes"},
		{"--rel sid --flush", "sid", "yes"},
		{"-r sid --", "sid", ""},
	}
	for _, test := range tests {
		v, help, err := r.parse(strings.Fields(test.args))
		if err != nil || help || v["release"] != test.release || v["flush-cache"] != test.flush || v["arch"] == "" {
			t.Errorf("parse(%q) = %v, %v, %v; want release %q, flush %q", test.args, v, help, err, test.release, test.flush)
		}
	}
	for _, args := range []string{"-x", "--r=X", "--ro", "--bogus", "--flush=1", "-r", "word", "-- -r sid", "--release=UPPER"} {
		if args == "--ro" { // unambiguous, but without its argument
			args = "--root"
		}
		if v, _, err := r.parse(strings.Fields(args)); err == nil {
			t.Errorf("parse(%q) = %v; want an error", args, v)
		}
	}
	for _, args := range []string{"-h", "--help", "-r sid --h", "-Fh"} {
		if _, help, err := r.parse(strings.Fields(args)); err != nil || !help {
			t.Errorf("parse(%q) = help %v, %v; want help", args, help, err)
		}
	}
}

func TestRedact(t *testing.T) {
	r := mustRecipe(t, withOptions)
	tests := []struct{ args, want string }{
		{"-r sid --root-password=x", "--release=sid --root-password=***"},
		{"--root x -F", "--root-password=*** --flush-cache"},
		{"-p x", "--root-password=***"},
		{"-px", "--root-password=***"},
		{"-Fpx", "--flush-cache --root-password=***"},
		{"-Fp x -rsid", "--flush-cache --root-password=*** --release=sid"},
		{"", ""},
	}
	for _, test := range tests {
		if got := r.Redact(strings.Fields(test.args)); !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("Redact(%q) = %q; want %q", test.args, got, test.want)
		}
	}
}

func TestHelp(t *testing.T) {
	var b strings.Builder
	mustRecipe(t, withOptions).Help(&b)
	for _, want := range []string{"-t test ", "-r, --release=SUITE ", "(default: stable)", "    --arch=ARCH", hostArch()} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("Help = %q; want %q in it", b.String(), want)
		}
	}
}
