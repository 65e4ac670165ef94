package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Text is the text of a configuration file, line by line, as it was read:
// comments, blank lines and includes stay what they are when the file is
// written again.
type Text struct{ lines []string }

// String gives the whole text; its last line ends in a newline.
func (t *Text) String() string {
	var b strings.Builder
	for _, line := range t.lines {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// Append adds lines at the end.
func (t *Text) Append(text string) { t.lines = append(t.lines, splitLines(text)...) }

// Prepend puts lines before the first.
func (t *Text) Prepend(text string) { t.lines = append(splitLines(text), t.lines...) }

// Remove takes out the lines that set a key or one below it.
func (t *Text) Remove(name string) {
	name = strings.TrimSuffix(name, ".")
	kept := t.lines[:0]
	for _, line := range t.lines {
		if key, _, _ := splitLine(line); key == "" || key != name && !below(key, name) {
			kept = append(kept, line)
		}
	}
	t.lines = kept
}

// below says whether key belongs to the family or the network device name.
func below(key, name string) bool {
	if !strings.HasPrefix(key, name+".") {
		return false
	}
	if name == "lxc.hook" {
		return key != "lxc.hook.version"
	}
	row, _ := find(keys, name)
	keyRow, _ := find(keys, key)
	return row != nil && row == keyRow
}

// Save writes the text to a file. The file changes as a whole or not at all,
// and keeps its mode and owner; a new one gets 0660 less the umask.
func (t *Text) Save(file string) (err error) {
	// A link stays a link.
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	temp := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".new")
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o660)
	if err != nil {
		return err
	}
	defer func() {
		out.Close()
		if err != nil {
			os.Remove(temp)
		}
	}()
	if err := inherit(out, file); err != nil {
		return err
	}
	if _, err := out.WriteString(t.String()); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

// inherit gives a new file the owner and the mode of the one whose place it
// takes, if there is one.
func inherit(f *os.File, old string) error {
	var was unix.Stat_t
	switch err := unix.Stat(old, &was); err {
	case nil:
	case unix.ENOENT:
		return nil
	default:
		return &fs.PathError{Op: "stat", Path: old, Err: err}
	}
	if int(was.Uid) != os.Geteuid() || int(was.Gid) != os.Getegid() {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(fs.FileMode(was.Mode & 0o777))
}
