// Package sys wraps the system calls Gantry makes: calls are repeated on EINTR,
// errors say which call failed on which path, and file descriptors have one
// owner. It links nothing but os and x/sys/unix, because the shim links it.
package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Retry calls f until it returns something else than EINTR.
func Retry(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// RetryInt is Retry for calls that return a number.
func RetryInt(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// PathError is how a failed call on a path is reported: `OP PATH: errno`.
// It is nil when err is nil.
func PathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: path, Err: err}
}

// CallError is how a failed call without a path is reported: `OP: errno`.
// It is nil when err is nil.
func CallError(op string, err error) error { return os.NewSyscallError(op, err) }
