package template

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/internal/paths"
)

// A Template is what lxc-create -t names: a program, or a recipe.
type Template struct {
	Path   string
	Recipe *Recipe // nil for a program
}

// Find looks a template up: an absolute path as it is, a name as the program
// lxc-NAME, else as the recipe NAME.toml, in the directory of templates.
func Find(p *paths.Paths, name string) (*Template, error) {
	if filepath.IsAbs(name) {
		return load(name)
	}
	program := filepath.Join(p.Templates, "lxc-"+name)
	t, err := load(program)
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	recipe := filepath.Join(p.Templates, name+".toml")
	if t, err = load(recipe); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("bad template: %s: template %q not found (there is neither %s nor %s; a program elsewhere, such as one of LXC's, needs its absolute path)", name, name, program, recipe)
	}
	return t, err
}

func load(path string) (*Template, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("bad template pathname: %w", err)
	case strings.HasSuffix(path, ".toml"):
		r, err := Load(path)
		return &Template{path, r}, err
	case !info.Mode().IsRegular() || unix.Access(path, unix.X_OK) != nil:
		return nil, fmt.Errorf("bad template pathname: %s: not an executable file", path)
	}
	return &Template{Path: path}, nil
}

// Help has the template named name explain itself on standard output. What is
// wrong with the template is said there, too.
func Help(p *paths.Paths, name string) {
	t, err := Find(p, name)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
	case t.Recipe != nil:
		t.Recipe.Help(os.Stdout)
	default:
		// A template may take what exit code it likes for its help.
		_ = Program{Path: t.Path, Args: []string{"-h"}}.Run(context.Background())
	}
}
