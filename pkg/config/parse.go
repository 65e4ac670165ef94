package config

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gantry/pkg/plan"
)

// An Error is a line that cannot be used. It reads `FILE:LINE: KEY: what`.
type Error struct {
	Origin plan.Origin
	Err    error
}

// Error gives FILE:LINE: KEY: what.
func (e *Error) Error() string { return e.Origin.String() + ": " + e.Err.Error() }

// Unwrap gives what is wrong with the line.
func (e *Error) Unwrap() error { return e.Err }

// Load reads a container's configuration file; its text is kept for Save. The
// first line that cannot be used is the error, an *Error.
func (c *Config) Load(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return c.Parse(file, string(data))
}

// Parse is Load of a text that has been read already; file is its name.
func (c *Config) Parse(file, text string) error {
	first := len(c.text.lines)
	c.text.lines = append(c.text.lines, splitLines(text)...)
	return c.parse(file, c.text.lines[first:])
}

func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// parse reads the lines of a file. Where it fills in a template it changes the
// line too.
func (c *Config) parse(file string, lines []string) error {
	if slices.Contains(c.including, file) {
		return errors.New(file + " includes itself (remove the line)")
	}
	c.including = append(c.including, file)
	defer func() { c.including = c.including[:len(c.including)-1] }()
	for i, line := range lines {
		name, value, ok := splitLine(line)
		at := plan.Origin{File: file, Line: i + 1, Key: name}
		if name == "" {
			if at.Key = nearlyKey(line); at.Key != "" {
				c.Ignored = append(c.Ignored, at)
			}
			continue
		}
		if !ok {
			return &Error{at, errors.New("no '=' after the key (write KEY = VALUE)")}
		}
		if filled, ok := fillHWAddr(name, value); ok {
			lines[i] = strings.Replace(line, value, filled, 1)
			value = filled
		}
		if err := c.assign(value, at); err != nil {
			return err
		}
	}
	return nil
}

// splitLine takes a line apart. name is empty for a line that is none of
// lxc.KEY; ok is false when it has no '='.
func splitLine(line string) (name, value string, ok bool) {
	line = strings.TrimLeft(line, " \t")
	if !strings.HasPrefix(line, "lxc.") {
		return "", "", false
	}
	name, value, ok = strings.Cut(line, "=")
	value = strings.TrimRight(strings.TrimLeft(value, " \t"), " \t\r\n")
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	return strings.TrimRight(name, " \t"), value, ok
}

// assign is one KEY = VALUE.
func (c *Config) assign(value string, at plan.Origin) error {
	row, sub := find(keys, at.Key)
	if row == nil {
		return &Error{at, unknown(at.Key)}
	}
	var err error
	if value == "" {
		err = row.item.empty(c, sub, at)
	} else {
		err = row.item.set(c, sub, value, at)
	}
	if err == nil {
		return nil
	}
	// An included file's own line is the one to change.
	if inner, ok := err.(*Error); ok {
		return inner
	}
	return &Error{at, err}
}

// include reads a file, or every file NAME.conf of a directory in the order of
// their names, but no directory. One named with a slash at its end need not be
// there.
func (c *Config) include(path string, at plan.Origin) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(path, "/"):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return c.includeFile(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); len(name) >= len("x.conf") && strings.HasSuffix(name, ".conf") && !entry.IsDir() {
			if err := c.includeFile(filepath.Join(path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Config) includeFile(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return c.parse(file, splitLines(string(data)))
}

// fillHWAddr puts random digits in place of the x of a template for a hardware
// address. A second digit is even: the address is no group's.
func fillHWAddr(name, value string) (string, bool) {
	if !strings.HasPrefix(name, "lxc.net.") || !strings.HasSuffix(name, ".hwaddr") || !strings.ContainsAny(value, "xX") {
		return value, false
	}
	const digits = "0123456789abcdef"
	b := []byte(value)
	for i, char := range b {
		switch {
		case char != 'x' && char != 'X':
		case i == 1:
			b[i] = digits[rand.IntN(8)*2]
		default:
			b[i] = digits[rand.IntN(16)]
		}
	}
	return string(b), true
}
