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

// Clones names the containers whose root file systems need that of the
// container directory dir; none if there are none. A file of the old format, a
// mere number, counts as one of an unknown name.
func Clones(dir string) (names []string, err error) {
	b, err := os.ReadFile(filepath.Join(dir, clonesName))
	if errors.Is(err, os.ErrNotExist) || err == nil && len(b) == 0 {
		return nil, nil
	}
	for _, r := range parseRefs(string(b)) {
		names = append(names, filepath.Join(r.LXCPath, r.Name))
	}
	if err == nil && names == nil {
		names = []string{"unknown"}
	}
	return names, err
}

// snapsName is where a container's snapshots are.
const snapsName = "snaps"

// SnapshotPath is the directory of containers for the snapshots of dir's.
func SnapshotPath(dir string) string { return filepath.Join(dir, snapsName) }

// Snapshots gives the names of the container's snapshots.
func Snapshots(dir string) ([]string, error) {
	entries, err := os.ReadDir(SnapshotPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func readRefs(path string) ([]Ref, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return parseRefs(string(b)), nil
}

func parseRefs(text string) (refs []Ref) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		refs = append(refs, Ref{lines[i], lines[i+1]})
	}
	return refs
}

// forget takes the container out of the lists of those it depends on.
func (c Container) forget() error {
	depends, err := readRefs(filepath.Join(c.dir(), dependsName))
	if err != nil {
		return err
	}
	for _, on := range depends {
		if err := c.forgetIn(on); err != nil {
			return err
		}
	}
	return nil
}

// forgetIn takes the container out of the list of one it depends on.
func (c Container) forgetIn(on Ref) error {
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
