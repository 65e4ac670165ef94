package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxFile     = 400 // lines of a file
	maxFunction = 60  // lines of a function
)

// generated begins a file that a program wrote; it may be as long as it is.
const generated = "// Code generated "

// Breaches lists how one Go file breaks the rules about files: a line each,
// FILE:LINE: what.
func Breaches(file string) ([]string, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(source, []byte(generated)) {
		return nil, nil
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []string
	add := func(pos token.Pos, format string, args ...any) {
		at := set.Position(pos)
		found = append(found, fmt.Sprintf("%s:%d: %s", at.Filename, at.Line, fmt.Sprintf(format, args...)))
	}
	test := strings.HasSuffix(file, "_test.go")
	if lines := bytes.Count(source, []byte("\n")); lines > maxFile && !test {
		add(tree.Package, "%d lines; want at most %d", lines, maxFile)
	}
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if lines := set.Position(d.End()).Line - set.Position(d.Pos()).Line + 1; lines > maxFunction && !test {
				add(d.Pos(), "%s has %d lines; want at most %d", d.Name.Name, lines, maxFunction)
			}
			if d.Name.Name == "init" && d.Recv == nil && !locksThread(d) {
				add(d.Pos(), "func init: nothing registers itself")
			}
			if !test && d.Doc == nil && exported(d) {
				add(d.Pos(), "%s has no doc comment", d.Name.Name)
			}
		case *ast.GenDecl:
			if !test {
				undocumentedTypes(d, add)
			}
		}
	}
	for _, group := range tree.Comments {
		for _, mark := range unfinished {
			if strings.Contains(group.Text(), mark) {
				add(group.Pos(), "a comment says %s", mark)
			}
		}
	}
	return found, nil
}

// unfinished are words that a finished tree does not hold. They are spelled
// apart here, since this file is checked too.
var unfinished = []string{"TO" + "DO", "FIX" + "ME"}

// exported says whether a function is part of its package's interface.
func exported(d *ast.FuncDecl) bool {
	if !d.Name.IsExported() {
		return false
	}
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

// undocumentedTypes reports exported types without a comment.
func undocumentedTypes(d *ast.GenDecl, add func(token.Pos, string, ...any)) {
	for _, spec := range d.Specs {
		if t, ok := spec.(*ast.TypeSpec); ok && t.Name.IsExported() && d.Doc == nil && t.Doc == nil && t.Comment == nil {
			add(t.Pos(), "%s has no doc comment", t.Name.Name)
		}
	}
}

// GoFiles lists the Go files below root, without hidden directories and bin.
func GoFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "bin"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go"):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// locksThread says whether an init function does nothing but keep main on the
// main thread, which no later code can do.
func locksThread(d *ast.FuncDecl) bool {
	if len(d.Body.List) != 1 {
		return false
	}
	statement, ok := d.Body.List[0].(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := statement.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == "LockOSThread"
}
