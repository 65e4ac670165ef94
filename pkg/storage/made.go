package storage

import (
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
// identity, so that what has taken its place since is left alone. One that has
// none yet is about to be made. It is stored as two lines, the path and the
// identity.
type Made struct {
	Path string
	identity
	above bool // a directory above others, deleted only if it is empty
}

// aboveWord follows the identity of a directory above others.
const aboveWord = " above"

// An identity tells an inode from the next one of its number: file systems use
// the numbers of deleted files again.
type identity struct {
	inode uint64
	birth int64 // nanoseconds since 1970; 0 where the file system does not keep it
}

// identify gives what path is now.
func identify(path string) (Made, error) {
	id, err := identityAt(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
	return Made{Path: path, identity: id}, err
}

// identityAt asks statx(2).
func identityAt(fd int, path string, flags int) (id identity, err error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, path, flags, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return id, sys.PathError("stat", path, err)
	}
	id.inode = st.Ino
	if st.Mask&unix.STATX_BTIME != 0 {
		id.birth = st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
	}
	return id, nil
}

// String gives the two lines.
func (m Made) String() string {
	// A path with a line break would be read back as something else.
	text := strings.ReplaceAll(m.Path, "\n", "\x00") + "\n" + m.identity.String()
	if m.above {
		text += aboveWord
	}
	return text + "\n"
}

func (id identity) String() string {
	return strconv.FormatUint(id.inode, 10) + " " + strconv.FormatInt(id.birth, 10)
}

func parseIdentity(text string) (id identity, err error) {
	inode, birth, _ := strings.Cut(text, " ")
	if id.inode, err = strconv.ParseUint(inode, 10, 64); err != nil {
		return id, err
	}
	id.birth, err = strconv.ParseInt(birth, 10, 64)
	return id, err
}

// There says whether the path still is what was made.
func (m Made) There() bool {
	now, err := identify(m.Path)
	return err == nil && now.identity == m.identity
}

// remove deletes it, unless something else has taken its place.
func (m Made) remove() error {
	switch {
	case m.identity == identity{}:
		return removeUnfinished(m.Path)
	case !m.There():
		return nil
	case m.above:
		return removeEmpty(m.Path)
	}
	return RemoveTree(m.Path)
}

// readMade reads Mades up to one that is not whole: the process died while it
// wrote.
func readMade(text string) (list []Made) {
	lines := strings.Split(text, "\n")
	for i := 0; i+2 < len(lines); i += 2 {
		path := strings.ReplaceAll(lines[i], "\x00", "\n")
		text, above := strings.CutSuffix(lines[i+1], aboveWord)
		if id, err := parseIdentity(text); err == nil && filepath.IsAbs(path) {
			list = append(list, Made{path, id, above})
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

// WriteCreated writes down that trees outside the container directory were made
// for the container that p marks: in a file which a creation that fails takes
// away again.
func WriteCreated(p *Partial, trees ...string) error {
	text, err := record(trees)
	if err != nil {
		return err
	}
	d, err := newDraft(p.dir)
	if err != nil {
		return err
	}
	defer d.discard()
	defer d.file.Close()
	if _, err := io.WriteString(d.file, text); err != nil {
		return err
	}
	m := Made{Path: filepath.Join(p.dir, createdName)}
	if m.identity, err = identityAt(int(d.file.Fd()), "", unix.AT_EMPTY_PATH); err != nil {
		return err
	}
	return errors.Join(d.file.Chmod(0o640), p.write(m), remove(m.Path), d.link(m.Path))
}

// record is the text of what paths are now.
func record(paths []string) (string, error) {
	var text strings.Builder
	for _, path := range paths {
		m, err := identify(path)
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
