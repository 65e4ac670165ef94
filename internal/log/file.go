package log

import (
	"errors"
	"os"
	"path"
)

// OpenFile opens a file to append lines to, and makes its directories.
func OpenFile(name string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE
	file, err := os.OpenFile(name, flags, 0o640)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
			return nil, err
		}
		file, err = os.OpenFile(name, flags, 0o640)
	}
	return file, err
}
