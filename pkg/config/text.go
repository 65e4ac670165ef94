package config

import (
	"slices"
	"strings"

	"gantry/internal/sys"
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

// Empty says whether no line sets anything.
func (t *Text) Empty() bool {
	return !slices.ContainsFunc(t.lines, func(line string) bool { key, _, _ := splitLine(line); return key != "" })
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

// Save writes the text to a file, which changes as a whole or not at all
// (sys.ReplaceFile); a new one gets 0660 less the umask.
func (t *Text) Save(file string) error { return sys.ReplaceFile(file, t.String(), 0o660) }
