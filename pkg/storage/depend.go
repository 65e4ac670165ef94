package storage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gantry/internal/sys"
)

// The files of a container directory that say which root file systems need
// each other. Both hold pairs of lines, LXCPATH and NAME.
const (
	dependsName = "lxc_rdepends"  // on whom mine depends
	clonesName  = "lxc_snapshots" // who depends on mine
)

// A Ref names a container.
type Ref struct{ LXCPath, Name string }

// Clones gives the containers whose root file systems need that of the
// container directory dir.
func Clones(dir string) ([]Ref, error) { return readRefs(filepath.Join(dir, clonesName)) }

// HasClones says whether there are any; a file of the old format, a mere
// number, counts as well.
func HasClones(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, clonesName))
	return err == nil && info.Size() > 0
}

// snapsName is where a container's snapshots are.
const snapsName = "snaps"

// Snapshots gives the names of the container's snapshots.
func Snapshots(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, snapsName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func readRefs(path string) (refs []Ref, err error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		refs = append(refs, Ref{lines[i], lines[i+1]})
	}
	return refs, nil
}

// forget takes the container out of the lists of those it depends on.
func (c Container) forget() error {
	depends, err := readRefs(filepath.Join(c.dir(), dependsName))
	if err != nil {
		return err
	}
	for _, on := range depends {
		if err := c.ForgetIn(on); err != nil {
			return err
		}
	}
	return nil
}

// ForgetIn takes the container out of the list of one it depends on.
func (c Container) ForgetIn(on Ref) error {
	unlock, err := c.lock(on)
	if err != nil {
		return err
	}
	defer unlock()
	path := filepath.Join(on.LXCPath, on.Name, clonesName)
	refs, err := readRefs(path)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(refs), func(r Ref) bool { return r == Ref{c.LXCPath, c.Name} })
	switch {
	case len(left) == len(refs):
		return nil
	case len(left) == 0:
		return os.Remove(path)
	}
	var text strings.Builder
	for _, r := range left {
		text.WriteString(r.LXCPath + "\n" + r.Name + "\n")
	}
	return sys.ReplaceFile(path, text.String(), 0o640)
}
