package storage

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// plant makes a tree under a new directory and returns it. Names that end in a
// slash are directories, "a -> b" is a symbolic link, the rest are files.
func plant(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(root, link)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestRemoveTree(t *testing.T) {
	root := plant(t, "out/file", "tree/a/b/c", "tree/a/dir -> ../../out", "tree/link -> /etc", "tree/empty/", "tree/f")
	if err := unix.Mkfifo(filepath.Join(root, "tree/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RemoveTree(root + "/tree"); err != nil {
		t.Fatal(err)
	}
	if there(root + "/tree") {
		t.Error("the tree is still there")
	}
	if !there(root + "/out/file") {
		t.Error("a symbolic link was followed")
	}
	if err := RemoveTree(root + "/tree"); err != nil {
		t.Errorf("RemoveTree of nothing = %v; want nil", err)
	}
	if err := RemoveTree(root + "/none/tree"); err != nil {
		t.Errorf("RemoveTree in nothing = %v; want nil", err)
	}
}

func TestRemoveTreeOfALink(t *testing.T) {
	root := plant(t, "out/file", "link -> out")
	if err := RemoveTree(root + "/link"); err != nil {
		t.Fatal(err)
	}
	if there(root+"/link") || !there(root+"/out/file") {
		t.Error("want the link gone and its target kept")
	}
}

func TestRemoveTreeKeeps(t *testing.T) {
	root := plant(t, "tree/config", "tree/a/config", "tree/b", "tree/snaps/snap0/config")
	if err := RemoveTree(root+"/tree", "config", "snaps"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"config": true, "snaps/snap0/config": true, "a": false, "b": false} {
		if got := there(filepath.Join(root, "tree", name)); got != want {
			t.Errorf("%s there = %v; want %v", name, got, want)
		}
	}
}

// A bind mount of the same file system has the same device number: only the
// mount itself tells.
func TestRemoveTreeRefusesMounts(t *testing.T) {
	root := plant(t, "host/file", "tree/a/mnt/", "tree/f")
	at := root + "/tree/a/mnt"
	if err := unix.Mount(root+"/host", at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(at, unix.MNT_DETACH) })
	err := RemoveTree(root + "/tree")
	if err == nil || !strings.Contains(err.Error(), at) {
		t.Errorf("RemoveTree = %v; want an error naming %s", err, at)
	}
	if !there(root+"/host/file") || !there(root+"/tree/f") {
		t.Error("something was deleted")
	}

	// A mount that appears after the look at the mount table.
	dir, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	r := remover{}
	if err := r.remove(dir, "tree", root+"/tree", 0); err == nil {
		t.Error("remove over a mount = nil; want an error")
	}
	if !there(root + "/host/file") {
		t.Error("the mount was emptied")
	}
}

func TestRemoveTreeDeep(t *testing.T) {
	root := plant(t, "tree/")
	dir, err := unix.Open(root+"/tree", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	const depth = 5000 // deeper than PATH_MAX and the limit of open files
	for range depth {
		if err := unix.Mkdirat(dir, "d", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(dir, "d", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(dir)
		dir = next
	}
	unix.Close(dir)
	if err := RemoveTree(root + "/tree"); err != nil {
		t.Fatal(err)
	}
	if there(root + "/tree") {
		t.Error("the tree is still there")
	}
}

// TestRemoveTreeFixed removes files and directories that root inside has made
// immutable or append-only.
func TestRemoveTreeFixed(t *testing.T) {
	root := plant(t, "tree/a/immutable", "tree/a/append", "tree/b/c/file")
	for _, fix := range []struct {
		name  string
		flags int
	}{{"a/immutable", 0x10}, {"a/append", 0x20}, {"a", 0x20}, {"b/c", 0x10}, {"b", 0x10}} {
		f, err := os.Open(root + "/tree/" + fix.name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		plain, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
		if err != nil {
			t.Fatal(err)
		}
		set := func(flags int) error { return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags) }
		if err := set(plain | fix.flags); err != nil {
			t.Fatal(err)
		}
		defer set(plain)
	}
	if err := RemoveTree(root + "/tree"); err != nil {
		t.Errorf("RemoveTree = %v; want it done", err)
	}
	if there(root + "/tree") {
		t.Error("the tree is still there")
	}
}

func BenchmarkRemoveTree(b *testing.B) {
	for range b.N {
		b.StopTimer()
		root := b.TempDir()
		for i := range 1000 {
			dir := filepath.Join(root, "tree", strconv.Itoa(i%50))
			os.MkdirAll(dir, 0o755)
			os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o644)
		}
		b.StartTimer()
		if err := RemoveTree(root + "/tree"); err != nil {
			b.Fatal(err)
		}
	}
}
