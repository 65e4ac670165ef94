package hostile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// outside is a file system nobody inside may reach.
const outside = "/run/rig/outside"

func makeOutside() error {
	if err := os.MkdirAll(outside, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("outside", outside, "tmpfs", 0, "mode=777"); err != nil {
		return err
	}
	for _, dir := range []string{"dir", "dir/console", "dir/pts", "dir/sys"} {
		if err := os.Mkdir(outside+"/"+dir, 0o777); err != nil {
			return err
		}
		os.Chmod(outside+"/"+dir, 0o777)
	}
	for _, file := range []string{"secret", "file", "dir/file", "dir/null"} {
		if err := os.WriteFile(outside+"/"+file, []byte("SECRET\n"), 0o666); err != nil {
			return err
		}
		os.Chmod(outside+"/"+file, 0o666)
	}
	return nil
}

// watchOutside fails the test when it ends if anybody has opened, read or
// changed anything there. fanotify(7) sees every process.
func watchOutside(t testing.TB) {
	t.Helper()
	events, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_NONBLOCK|unix.FAN_CLOEXEC, unix.O_RDONLY)
	if err != nil {
		t.Fatal("fanotify_init: ", err)
	}
	const mask = unix.FAN_OPEN | unix.FAN_ACCESS | unix.FAN_MODIFY | unix.FAN_ONDIR
	if err := unix.FanotifyMark(events, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, mask, unix.AT_FDCWD, outside); err != nil {
		t.Fatal("fanotify_mark: ", err)
	}
	before := look(t)
	drain(events)
	t.Cleanup(func() {
		defer unix.Close(events)
		for _, e := range drain(events) {
			t.Errorf("access outside: %s", e)
		}
		if now := look(t); now != before {
			t.Errorf("changed outside:\n%s\nbefore:\n%s", now, before)
		}
	})
}

// drain reads the events there are.
func drain(events int) (list []string) {
	b := make([]byte, 64<<10)
	for {
		n, err := unix.Read(events, b)
		if err != nil || n <= 0 {
			return list
		}
		for e := b[:n]; len(e) >= 24; e = e[binary.NativeEndian.Uint32(e):] {
			mask, fd, pid := binary.NativeEndian.Uint64(e[8:]), int32(binary.NativeEndian.Uint32(e[16:])), binary.NativeEndian.Uint32(e[20:])
			name, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
			unix.Close(int(fd))
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			list = append(list, fmt.Sprintf("%#x %s by %d %q", mask, name, pid, line))
		}
	}
}

// look describes the file system outside.
func look(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	filepath.WalkDir(outside, func(path string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &st)
		}
		fmt.Fprintln(&b, path, st.Ino, fmt.Sprintf("%o", st.Mode), st.Uid, st.Gid, st.Size, st.Mtim.Nano(), err)
		return nil
	})
	return b.String()
}

// unreached fails the test if a process sees the file system outside among its
// mounts.
func unreached(t testing.TB, pid int) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(outside, &st); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
		return // it has ended
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	mounts, err := mountinfo.GetMountsFromReader(f, nil)
	if err != nil && !errors.Is(err, unix.EINVAL) { // it has ended
		t.Error(err)
	}
	for _, m := range mounts {
		if uint32(m.Major) == unix.Major(st.Dev) && uint32(m.Minor) == unix.Minor(st.Dev) {
			t.Errorf("the container has %s of the file system outside mounted on %s", m.Root, m.Mountpoint)
		}
	}
}
