package handover

import (
	"os"
	"strings"
)

// EncodeAnswers writes a table of configuration items as a record holds it:
// KEY NUL VALUE NUL, over and over.
func EncodeAnswers(keys []string, value func(key string) string) []byte {
	var b []byte
	for _, key := range keys {
		b = append(b, key...)
		b = append(b, 0)
		b = append(b, strings.ReplaceAll(value(key), "\x00", "")...)
		b = append(b, 0)
	}
	return b
}

// Answer looks key up in the table at e of the record. The table is read anew
// each time: it is seldom asked for, and memory is what a shim has least of.
func Answer(record *os.File, e Extent, key string) (string, bool) {
	table := make([]byte, e.Len)
	if _, err := record.ReadAt(table, e.At); err != nil {
		return "", false
	}
	rest := string(table)
	for rest != "" {
		k, after, _ := strings.Cut(rest, "\x00")
		v, next, _ := strings.Cut(after, "\x00")
		if k == key {
			return v, true
		}
		rest = next
	}
	return "", false
}
