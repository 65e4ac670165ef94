package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// createdName lists the trees outside the container directory that lxc-create
// made: lxc-destroy deletes no others.
const createdName = "lxc_created"

// A Made is a file or directory made for a container. It is recognised by its
// inode, so that what has taken its place since is left alone. It is stored as
// two lines, the path and the inode's number.
type Made struct {
	Path  string
	Inode uint64
}

func made(path string) (Made, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return Made{}, sys.PathError("stat", path, err)
	}
	return Made{path, st.Ino}, nil
}

// String gives the two lines.
func (m Made) String() string {
	// A path with a line break would be read back as something else.
	return strings.ReplaceAll(m.Path, "\n", "\x00") + "\n" + strconv.FormatUint(m.Inode, 10) + "\n"
}

// There says whether the path still is what was made.
func (m Made) There() bool {
	now, err := made(m.Path)
	return err == nil && now.Inode == m.Inode
}

// readMade reads Mades up to one that is not whole: the process died while it
// wrote.
func readMade(text string) (list []Made) {
	lines := strings.Split(text, "\n")
	for i := 0; i+2 < len(lines); i += 2 {
		path := strings.ReplaceAll(lines[i], "\x00", "\n")
		if inode, err := strconv.ParseUint(lines[i+1], 10, 64); err == nil && filepath.IsAbs(path) {
			list = append(list, Made{path, inode})
		}
	}
	return list
}

// Created gives the trees outside dir that were made for the container.
func Created(dir string) ([]Made, error) {
	b, err := os.ReadFile(filepath.Join(dir, createdName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return readMade(string(b)), nil
}

// WriteCreated writes down that the trees outside dir were made for the
// container.
func WriteCreated(dir string, trees ...string) error {
	text, err := record(trees)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, createdName), text)
}

// record is the text of what paths are now.
func record(paths []string) (string, error) {
	var text strings.Builder
	for _, path := range paths {
		m, err := made(path)
		if err != nil {
			return "", err
		}
		text.WriteString(m.String())
	}
	return text.String(), nil
}

func paths(list []Made) (paths []string) {
	for _, m := range list {
		paths = append(paths, m.Path)
	}
	return paths
}
