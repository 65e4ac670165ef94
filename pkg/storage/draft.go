package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// draftName is the name of a draft where there are no nameless files. Whoever
// writes it holds its lock; one without is left over, and taken over by the
// next draft or deleted with the marker.
const draftName = "." + partialName

// A draft is a file that gets its name when its content is whole.
type draft struct {
	file  *os.File
	path  string // for link(2)
	named bool   // path is a name in the directory, to be deleted
}

// newDraft begins a file in dir.
func newDraft(dir string) (*draft, error) {
	file, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR, 0)
	if err != nil { // the file system has no nameless files
		return namedDraft(dir)
	}
	return &draft{file, "/proc/self/fd/" + strconv.Itoa(int(file.Fd())), false}, nil
}

func namedDraft(dir string) (*draft, error) {
	path := filepath.Join(dir, draftName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err = lock(file); err == nil {
		err = file.Truncate(0)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &draft{file, path, true}, nil
}

// link gives the draft its name.
func (d *draft) link(path string) error {
	return sys.PathError("link", path, unix.Linkat(unix.AT_FDCWD, d.path, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW))
}

// discard deletes the name it had as a draft.
func (d *draft) discard() {
	if d.named {
		os.Remove(d.path)
	}
}

// removeDraft deletes the draft of a process that has died.
func removeDraft(dir string) error {
	path := filepath.Join(dir, draftName)
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil // there is none, or not of ours
	}
	defer file.Close()
	if lock(file) != nil {
		return nil
	}
	return remove(path)
}
