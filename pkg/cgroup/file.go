package cgroup

import (
	"io"
	"os"
	"strconv"
	"strings"

	"gantry/internal/sys"

	"golang.org/x/sys/unix"
)

// writeFile writes to a file of a cgroup: one write(2), no O_CREAT.
func writeFile(file, value string) error { return writeAt(unix.AT_FDCWD, file, value) }

// readFile reads a file of a cgroup, without the newline at its end.
func readFile(file string) (string, error) {
	text, err := os.ReadFile(file)
	return strings.TrimRight(string(text), "\n"), err
}

// children names the cgroups in a directory.
func children(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// writeAt is writeFile beneath an open directory.
func writeAt(dir int, name, value string) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return sys.PathError("open", name, err)
	}
	defer unix.Close(fd)
	_, err = sys.RetryInt(func() (int, error) { return unix.Write(fd, []byte(value)) })
	return sys.PathError("write "+strconv.Quote(value)+" to", name, err)
}

// readAt reads a short file beneath an open directory, without the newline at
// its end. The error is a bare errno.
func readAt(dir int, name string) (string, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	n, err := sys.RetryInt(func() (int, error) { return unix.Read(fd, buf) })
	return strings.TrimRight(string(buf[:max(n, 0)]), "\n"), err
}

// readAllAt is readAt for a file of any length.
func readAllAt(dir int, name string) (string, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}
