package storage

import (
	"bufio"
	"errors"
	"io"
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

func readMade(r io.Reader) (list []Made, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		path := strings.ReplaceAll(lines.Text(), "\x00", "\n")
		if !lines.Scan() {
			break // the process died while it wrote
		}
		inode, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil || !filepath.IsAbs(path) {
			continue
		}
		list = append(list, Made{path, inode})
	}
	return list, lines.Err()
}

// Created gives the trees outside dir that were made for the container.
func Created(dir string) ([]Made, error) {
	f, err := os.Open(filepath.Join(dir, createdName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readMade(f)
}

// WriteCreated writes down which trees outside dir were made for the container.
func WriteCreated(dir string, list []Made) error {
	var text strings.Builder
	for _, m := range list {
		text.WriteString(m.String())
	}
	return replaceFile(filepath.Join(dir, createdName), text.String())
}
