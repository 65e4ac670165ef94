package sys

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A call that was killed in the middle has left a file under the new one's name;
// a call that fails leaves the old file and nothing else.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "list")
	if err := os.WriteFile(filepath.Join(dir, ".list.new"), []byte("half a l"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"one\n", "two\n"} {
		if err := ReplaceFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil || string(b) != content {
			t.Errorf("content = %q, %v; want %q", b, err, content)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode = %v, %v; want 600", info.Mode(), err)
	}
	full := filepath.Join(dir, "full")
	if err := os.Mkdir(full, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(full, "text", 0o600); err == nil {
		t.Error("a directory is replaced by a file")
	}
	if names, _ := filepath.Glob(dir + "/.*"); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// The lock is the open file's: another one of the same process does not get it,
// and has it as soon as the first is closed.
func TestTryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, second := open(t, path), open(t, path)
	try := func(f *os.File, kind int16, want bool) {
		t.Helper()
		if ok, err := TryLock(f, kind); ok != want || err != nil {
			t.Errorf("TryLock = %v, %v; want %v", ok, err, want)
		}
	}
	try(first, unix.F_RDLCK, true)
	try(second, unix.F_RDLCK, true)
	try(first, unix.F_WRLCK, false)
	try(second, unix.F_UNLCK, true)
	try(first, unix.F_WRLCK, true)
	try(second, unix.F_RDLCK, false)
	first.Close()
	if err := Lock(second, unix.F_WRLCK); err != nil {
		t.Error(err)
	}
}

func open(t *testing.T, path string) *os.File {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
