package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/pkg/plan"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func lstat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st
}

// specimen makes a tree with one of everything.
func specimen(t *testing.T) string {
	root := plant(t, "dir/file", "link -> dir/file", "hole", "setuid")
	in := func(name string) string { return filepath.Join(root, name) }
	old := time.Unix(1e9, 5)
	must(t,
		os.Link(in("dir/file"), in("hard")),
		os.Truncate(in("hole"), 1<<20),
		unix.Mkfifo(in("fifo"), 0o640),
		unix.Mknod(in("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		os.Chown(in("setuid"), 7, 8),
		os.Chmod(in("setuid"), 0o755|os.ModeSetuid),
		os.Lchown(in("link"), 9, 9),
		os.Chtimes(in("dir"), old, old),
		unix.Setxattr(in("dir/file"), "user.note", []byte("x"), 0),
		// version 2, cap_net_raw permitted and effective
		unix.Setxattr(in("setuid"), "security.capability", []byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0),
	)
	return root
}

func TestCopy(t *testing.T) {
	from, to := specimen(t), t.TempDir()
	c := Copy{From: from, To: to}
	must(t, c.Run(context.Background()))
	for _, name := range []string{".", "dir", "dir/file", "link", "hole", "setuid", "fifo", "null"} {
		a, b := lstat(t, filepath.Join(from, name)), lstat(t, filepath.Join(to, name))
		if a.Mode != b.Mode || a.Uid != b.Uid || a.Gid != b.Gid || a.Rdev != b.Rdev || a.Mtim != b.Mtim || a.Nlink != b.Nlink {
			t.Errorf("%s: copied as %+v; want %+v", name, b, a)
		}
		if name == "hole" && b.Blocks != a.Blocks {
			t.Errorf("hole: %d blocks; want %d", b.Blocks, a.Blocks)
		}
	}
	if a, b := lstat(t, to+"/hard"), lstat(t, to+"/dir/file"); a.Ino != b.Ino {
		t.Error("a file with two names became two files")
	}
	if got, _ := os.ReadFile(to + "/hard"); string(got) != "dir/file" {
		t.Errorf("hard = %q; want dir/file", got)
	}
	note := make([]byte, 8)
	if n, err := unix.Getxattr(to+"/dir/file", "user.note", note); err != nil || string(note[:n]) != "x" {
		t.Errorf("user.note = %q, %v; want x", note[:max(n, 0)], err)
	}
}

func TestCopyShiftsIDs(t *testing.T) {
	from, to := specimen(t), t.TempDir()
	acl := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, 6, ^uint32(0)}, {2, 4, 7}, {4, 4, ^uint32(0)}, {8, 4, 8}, {16, 4, ^uint32(0)}, {32, 0, ^uint32(0)}} {
		acl = binary.LittleEndian.AppendUint16(acl, e.tag)
		acl = binary.LittleEndian.AppendUint16(acl, e.perm)
		acl = binary.LittleEndian.AppendUint32(acl, e.id)
	}
	must(t, unix.Setxattr(from+"/dir/file", "system.posix_acl_access", acl, 0))
	c := Copy{From: from, To: to, IDMap: []plan.IDMap{{Kind: 'u', Host: 100000, Count: 65536}, {Kind: 'g', Host: 200000, Count: 65536}}}
	must(t, c.Run(context.Background()))
	for name, want := range map[string][2]uint32{".": {100000, 200000}, "setuid": {100007, 200008}, "link": {100009, 200009}, "null": {100000, 200000}} {
		if st := lstat(t, filepath.Join(to, name)); st.Uid != want[0] || st.Gid != want[1] {
			t.Errorf("%s: owner %d:%d; want %d:%d", name, st.Uid, st.Gid, want[0], want[1])
		}
	}
	if st := lstat(t, to+"/setuid"); st.Mode&unix.S_ISUID == 0 {
		t.Error("the set-user-ID bit is gone")
	}
	value := make([]byte, 128)
	n, err := unix.Getxattr(to+"/setuid", "security.capability", value)
	if err != nil || n != capSize2+4 || binary.LittleEndian.Uint32(value[capSize2:]) != 100000 {
		t.Errorf("security.capability = %x, %v; want version 3 with root 100000", value[:max(n, 0)], err)
	}
	n, err = unix.Getxattr(to+"/dir/file", "system.posix_acl_access", value)
	if err != nil || n != len(acl) || binary.LittleEndian.Uint32(value[4+8+4:]) != 100007 || binary.LittleEndian.Uint32(value[4+3*8+4:]) != 200008 {
		t.Errorf("system.posix_acl_access = %x, %v; want u 100007 and g 200008 in it", value[:max(n, 0)], err)
	}

	must(t, os.Chown(from+"/hole", 70000, 0))
	c.To = t.TempDir()
	if err := c.Run(context.Background()); err == nil {
		t.Error("copying an id without a mapping = nil; want an error")
	}
}

func TestCopyStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := Copy{From: specimen(t), To: t.TempDir()}
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run of a cancelled context = %v; want context.Canceled", err)
	}
}
