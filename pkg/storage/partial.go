package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
)

// ErrBusy says that another process is making or deleting the container.
var ErrBusy = errors.New("another process is creating or destroying the container")

// partialName is LXC's marker of a container that is not whole. Whoever makes
// or deletes it holds an OFD write lock on the file; without the lock he has
// died, and the next who opens the container clears it away.
const partialName = "partial"

// listHeader begins the list in the marker, before anything is listed.
const listHeader = "made for this container:\n"

// unfinished is the mode of a container directory before its maker has written
// it down in the marker, and after its destroyer has deleted all else. The
// sticky bit is the one thing that mkdir(2) sets at once: whatever moment they
// are killed at, the empty directory they leave behind can be told from one of
// the user's.
const unfinished = unix.S_ISVTX | 0o700

// Mkdir makes the container directory dir, to be followed by Mark, Add of dir
// and a chmod. The error is EEXIST when it is there.
func Mkdir(dir string) error { return sys.PathError("mkdir", dir, unix.Mkdir(dir, unfinished)) }

// removeUnfinished deletes such a directory if it is empty.
func removeUnfinished(dir string) error {
	var st unix.Stat_t
	if unix.Lstat(dir, &st) != nil || st.Mode&^unix.S_ISGID != unix.S_IFDIR|unfinished {
		return nil
	}
	return removeEmpty(dir)
}

// A Partial is the marker of a container directory, held by this process. It
// lists what to delete if the process dies, a Made after the other.
type Partial struct {
	dir  string
	file *os.File
}

// Mark puts the marker into the container directory dir, with a list of made
// paths to begin with. The marker appears locked, so that nobody takes it for
// an abandoned one. ErrBusy says that there is one already.
func Mark(dir string, made ...string) (*Partial, error) {
	list, err := record(made)
	if err != nil {
		return nil, err
	}
	d, err := newDraft(dir)
	if err != nil {
		return nil, err
	}
	defer d.discard()
	_, err = io.WriteString(d.file, listHeader+list)
	if err := errors.Join(err, d.file.Chmod(0), lock(d.file)); err != nil {
		d.file.Close()
		return nil, err
	}
	path := filepath.Join(dir, partialName)
	if err := d.link(path); err != nil {
		d.file.Close()
		if errors.Is(err, unix.EEXIST) {
			return nil, fmt.Errorf("%s: %w", path, ErrBusy)
		}
		return nil, err
	}
	return &Partial{dir, d.file}, nil
}

// Abandoned takes over the marker of a process that has died. It is nil, with
// a nil error, when dir has no marker, and ErrBusy when its process lives. A
// process that has not come to make the marker leaves an empty directory, which
// Abandoned deletes.
func Abandoned(dir string) (*Partial, error) {
	path := filepath.Join(dir, partialName)
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, errors.Join(removeDraft(dir), removeUnfinished(dir))
	}
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Whoever held the lock before may have finished and deleted the file.
	info, err := file.Stat()
	if now, statErr := os.Lstat(path); err != nil || statErr != nil || !os.SameFile(info, now) {
		file.Close()
		return nil, nil
	}
	return &Partial{dir, file}, nil
}

// lock takes the file, or gives ErrBusy.
func lock(file *os.File) error {
	ok, err := sys.TryLock(file, unix.F_WRLCK)
	if err == nil && !ok {
		err = ErrBusy
	}
	return err
}

// Mkdir makes a directory for the container, and those above it that are not
// there, with mode 0755 whatever the umask is; made is false when the directory
// itself was there. What it makes is written down beforehand and known by its
// mode, then by its identity: at no moment is there a directory that nobody
// would delete.
func (p *Partial) Mkdir(path string) (made bool, err error) { return p.mkdir(path, false) }

func (p *Partial) mkdir(path string, above bool) (made bool, err error) {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return false, sys.PathError("mkdir", path, unix.ENOTDIR)
		}
		return false, nil
	}
	if dir := filepath.Dir(path); dir != path {
		if _, err := p.mkdir(dir, true); err != nil {
			return false, err
		}
	}
	if err := p.write(Made{Path: path}); err != nil {
		return false, err
	}
	if err := Mkdir(path); err != nil {
		if errors.Is(err, unix.EEXIST) { // somebody was faster
			err = nil
		}
		return false, err
	}
	m, err := identify(path)
	if err != nil {
		return true, err
	}
	m.above = above
	return true, errors.Join(p.write(m), os.Chmod(path, 0o755))
}

// Add writes down that path was made for this container.
func (p *Partial) Add(path string) error {
	m, err := identify(path)
	if err != nil {
		return err
	}
	return p.write(m)
}

func (p *Partial) write(m Made) error {
	if _, err := p.file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	_, err := io.WriteString(p.file, m.String())
	return err
}

// made gives what was written down. Without a list the marker is C LXC's.
func (p *Partial) made() (list []Made, listed bool, err error) {
	b, err := io.ReadAll(io.NewSectionReader(p.file, 0, 1<<20))
	if err != nil {
		return nil, false, err
	}
	text, listed := strings.CutPrefix(string(b), listHeader)
	return readMade(text), listed, nil
}

// Remove takes the marker away: the container is whole, or gone.
func (p *Partial) Remove() error {
	defer p.file.Close()
	// The draft may be the marker's other name.
	return errors.Join(remove(filepath.Join(p.dir, draftName)), remove(filepath.Join(p.dir, partialName)))
}

// remove deletes a file that may be gone.
func remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
