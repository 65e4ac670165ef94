package config

import (
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

// Append adds lines at the end.
func (t *Text) Append(text string) { t.lines = append(t.lines, splitLines(text)...) }

// Prepend puts lines before the first.
func (t *Text) Prepend(text string) { t.lines = append(splitLines(text), t.lines...) }

// Save writes the text to a file, which changes as a whole or not at all
// (sys.ReplaceFile); a new one gets 0660 less the umask.
func (t *Text) Save(file string) error { return sys.ReplaceFile(file, t.String(), 0o660) }
