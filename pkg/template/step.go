package template

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	text "text/template"
)

// facts are what the templates of a recipe can name.
type facts map[string]any

// expand fills a template in. A name that is not known is an error.
func (f facts) expand(what, s string) (string, error) {
	if !strings.Contains(s, "{{") {
		return s, nil
	}
	t, err := text.New(what).Option("missingkey=error").Parse(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]any(f)); err != nil {
		return "", err
	}
	return b.String(), nil
}

// variable is an option's name as templates and scripts write it.
func variable(option string) string { return strings.ReplaceAll(option, "-", "_") }

// apply carries the steps out on the tree.
func (j *job) apply(ctx context.Context, t *tree, section string, steps []Step) error {
	for i, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		name, negated := strings.CutPrefix(s.When, "!")
		if name != "" && (j.values[name] != "") == negated {
			continue
		}
		if err := j.step(ctx, t, section, s); err != nil {
			return fmt.Errorf("%s: %s %d: %w", j.recipe.path, section, i+1, err)
		}
	}
	return nil
}

func (j *job) step(ctx context.Context, t *tree, section string, s Step) error {
	var err error
	expand := func(what, template string) (out string) {
		if err == nil {
			out, err = j.facts.expand(what, template)
		}
		return out
	}
	file, content := expand("file", s.File), expand("content", s.Content)
	link, target := expand("link", s.Link), expand("target", s.Target)
	source, to, dir := expand("copy", s.Copy), expand("to", s.To), expand("dir", s.Dir)
	if err != nil {
		return err
	}
	mode, err := s.mode(0o644)
	if err != nil {
		return err
	}
	done := func(error) {}
	if s.Title != "" {
		done = j.report.begin(s.Title)
	}
	switch {
	case file != "":
		err = t.file(file, strings.NewReader(content), mode)
	case link != "":
		err = t.link(link, target)
	case to != "":
		err = t.copy(source, to, s)
	case dir != "":
		err = t.dir(dir, s)
	case s.Run != "":
		c := chroot{tree: t, name: j.Name, out: j.report.line}
		if section == "prepare" {
			c.name, c.network = "localhost", true
		}
		err = c.run(ctx, []string{"/bin/sh", "-euc", s.Run, j.recipe.Name()}, j.environ())
	}
	done(err)
	return err
}

func (t *tree) dir(name string, s Step) error {
	mode, err := s.mode(0o755)
	if err != nil {
		return err
	}
	dir, err := t.mkdir(name, mode)
	if err != nil {
		return err
	}
	defer dir.Close()
	if s.Mode == "" {
		return nil
	}
	return dir.Chmod(mode)
}

func (t *tree) copy(source, to string, s Step) error {
	if source == "" {
		return s.unusable("no program of the host was found to make " + to + " of")
	}
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a file", source)
	}
	if s.Static != "" && !isStatic(f) {
		return s.unusable(source + " is not a statically linked program")
	}
	mode, err := s.mode(info.Mode().Perm())
	if err != nil {
		return err
	}
	return t.file(to, f, mode)
}

// unusable is the error of a program that cannot be copied, with the recipe's
// advice.
func (s Step) unusable(what string) error {
	if s.Static == "" {
		return errors.New(what)
	}
	return errors.New(what + " (" + s.Static + ")")
}

// isStatic says whether a file is a program that runs without any other: none
// that names an interpreter (elf(5)), such as the dynamic linker. A script is
// not, either.
func isStatic(f io.ReaderAt) bool {
	program, err := elf.NewFile(f)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}
