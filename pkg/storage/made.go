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
// identity, so that what has taken its place since is left alone. It is stored
// as two lines, the path and the identity.
type Made struct {
	Path string
	identity
}

// An identity tells an inode from the next one of its number: file systems use
// the numbers of deleted files again.
type identity struct {
	inode uint64
	birth int64 // nanoseconds since 1970; 0 where the file system does not keep it
}

func made(path string) (Made, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return Made{}, sys.PathError("stat", path, err)
	}
	id := identity{inode: st.Ino}
	if st.Mask&unix.STATX_BTIME != 0 {
		id.birth = st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
	}
	return Made{path, id}, nil
}

// String gives the two lines.
func (m Made) String() string {
	// A path with a line break would be read back as something else.
	return strings.ReplaceAll(m.Path, "\n", "\x00") + "\n" + m.identity.String() + "\n"
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
	now, err := made(m.Path)
	return err == nil && now.identity == m.identity
}

// readMade reads Mades up to one that is not whole: the process died while it
// wrote.
func readMade(text string) (list []Made) {
	lines := strings.Split(text, "\n")
	for i := 0; i+2 < len(lines); i += 2 {
		path := strings.ReplaceAll(lines[i], "\x00", "\n")
		if id, err := parseIdentity(lines[i+1]); err == nil && filepath.IsAbs(path) {
			list = append(list, Made{path, id})
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
	path := filepath.Join(p.dir, createdName)
	if err := sys.ReplaceFile(path, text, 0o640); err != nil {
		return err
	}
	return p.Add(path)
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
