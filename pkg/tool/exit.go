package tool

import (
	"errors"
	"io"
	"strings"

	"gantry/pkg/interrupt"
)

// An Exit is an error with an exit code of its own; other errors exit with 1.
// Without Err nothing is printed.
type Exit struct {
	Code int
	Err  error
}

// Error is the text of Err.
func (e Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap gives Err.
func (e Exit) Unwrap() error { return e.Err }

// Faults of the command line in LXC's words, which scripts may know.
var (
	//lint:ignore ST1005 LXC's words
	errNoName = errors.New("No container name specified")

	// errTooManyPaths is printed without the tool's name.
	//
	//lint:ignore ST1005 LXC's words
	errTooManyPaths = errors.New("This command only accepts 1 -P,--lxcpath arguments")
)

// A usageError is an argument that an option refused.
type usageError struct{ err error }

func (e usageError) Error() string {
	return "could not parse command line: " + strings.Replace(e.err.Error(), " for flag -", " for option --", 1)
}

// report prints an error, a line with the prefix `lxc-start: NAME: ` for each of
// those it is joined of, and into the log file too, and gives the exit code.
func (c *Call) report(err error) int {
	if err == nil {
		return 0
	}
	if err == errTooManyPaths {
		io.WriteString(c.Stderr, err.Error()+"\n")
		return 1
	}
	code := 1
	if exit, ok := errors.AsType[Exit](err); ok {
		code = exit.Code
	} else if i, ok := errors.AsType[interrupt.Error](err); ok {
		code = 128 + int(i.Signal) // what a shell makes of it
	}
	if c.Log.File == nil && c.Quiet {
		c.Log.Stderr = nil
	}
	for _, text := range texts(err) {
		c.Log.Error(text)
	}
	return code
}

// texts takes joined errors apart. That the text has several lines says nothing:
// a file name may, too.
func texts(err error) (list []string) {
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			list = append(list, texts(part)...)
		}
		return list
	case Exit:
		if e.Err == nil {
			return nil
		}
		return texts(e.Err)
	}
	return []string{err.Error()}
}
