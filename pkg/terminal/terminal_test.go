package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A poller is a Loop over poll(2).
type poller struct {
	events   map[int]uint32
	handlers map[int]func(uint32)
}

func newPoller() (*poller, Loop) {
	p := &poller{map[int]uint32{}, map[int]func(uint32){}}
	watch := func(fd int, events uint32, f func(uint32)) error {
		var st unix.Stat_t
		if unix.Fstat(fd, &st); st.Mode&unix.S_IFMT == unix.S_IFREG {
			return unix.EPERM // as epoll_ctl(2)
		}
		p.events[fd], p.handlers[fd] = events, f
		return nil
	}
	return p, Loop{watch, func(fd int) { delete(p.events, fd); delete(p.handlers, fd) }}
}

// run handles events until done, and fails the test after five seconds.
func (p *poller) run(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("nothing happens any more")
		}
		p.turn(10)
	}
}

// turn handles the events of one round.
func (p *poller) turn(timeout int) {
	var fds []unix.PollFd
	for fd, events := range p.events {
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: int16(events)})
	}
	unix.Poll(fds, timeout)
	for _, f := range fds {
		if h := p.handlers[int(f.Fd)]; h != nil && f.Revents != 0 {
			h(uint32(f.Revents))
		}
	}
}

// openRaw gives a pty that changes no byte.
func openRaw(t *testing.T) (ptx, pts *os.File) {
	t.Helper()
	ptx, pts, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ptx.Close(); pts.Close() })
	if _, err := Raw(int(pts.Fd())); err != nil {
		t.Fatal(err)
	}
	return ptx, pts
}

func newConsole(t *testing.T, log *Log, ring *Ring) (p *poller, c *Console, pts *os.File) {
	t.Helper()
	ptx, pts := openRaw(t)
	p, loop := newPoller()
	c, err := NewConsole(loop, int(ptx.Fd()), log, ring)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return p, c, pts
}

func newLog(t *testing.T, limit uint64, rotate bool) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "console.log")
	f, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The shim is handed a descriptor, not a name.
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return NewLog(os.NewFile(uintptr(fd), "console-log"), limit, rotate), path
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOpenIn(t *testing.T) {
	devpts, err := os.Open("/dev/pts")
	if err != nil {
		t.Fatal(err)
	}
	defer devpts.Close()
	ptx, pts, err := OpenIn(devpts)
	if err != nil {
		t.Fatal(err)
	}
	defer ptx.Close()
	defer pts.Close()
	if !IsTerminal(int(pts.Fd())) {
		t.Error("OpenIn gives no terminal")
	}
	tmp, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tmp.Close()
	if _, _, err := OpenIn(tmp); err == nil {
		t.Error("OpenIn takes a directory that is no devpts")
	}
}

func TestRawAndRestore(t *testing.T) {
	_, pts, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	fd := int(pts.Fd())
	before, _ := unix.IoctlGetTermios(fd, unix.TCGETS)
	was, err := Raw(fd)
	if err != nil {
		t.Fatal(err)
	}
	if during, _ := unix.IoctlGetTermios(fd, unix.TCGETS); *during == *before {
		t.Error("Raw changes nothing")
	}
	if err := Restore(fd, was); err != nil {
		t.Fatal(err)
	}
	if after, _ := unix.IoctlGetTermios(fd, unix.TCGETS); *after != *before {
		t.Errorf("modes after Restore = %v; want %v", after, before)
	}
}

// TestLimits writes ten lines of ten bytes with a limit of 35.
func TestLimits(t *testing.T) {
	line := func(i int) string { return "line " + strings.Repeat(string(rune('0'+i)), 4) + "\n" }
	var all string
	for i := range 10 {
		all += line(i)
	}
	for _, c := range []struct {
		name       string
		limit      uint64
		rotate     bool
		file, old  string
		longestLen int
	}{
		{"none", 0, false, all, "", 100},
		{"emptied", 35, false, line(9), "", 35},
		{"rotated", 35, true, line(9), line(6) + line(7) + line(8), 35},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range []int{1, 7, 10, 100} {
				l, path := newLog(t, c.limit, c.rotate)
				for i := 0; i < len(all); i += step {
					if err := l.Write([]byte(all[i:min(i+step, len(all))])); err != nil {
						t.Fatal(err)
					}
				}
				l.Close()
				got := contents(t, path)
				if len(got) > c.longestLen {
					t.Errorf("file has %d bytes; want %d at most", len(got), c.longestLen)
				}
				if step >= 10 && got != c.file {
					t.Errorf("file = %q; want %q", got, c.file)
				}
				if c.rotate {
					if old := contents(t, path+".1"); step >= 10 && old != c.old || len(old) > c.longestLen {
						t.Errorf("FILE.1 = %q; want %q", old, c.old)
					}
				}
				if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
					t.Errorf("mode = %v, %v; want 0640", info.Mode(), err)
				}
			}
		})
	}
}

// TestLongLine has no newline to cut at.
func TestLongLine(t *testing.T) {
	l, path := newLog(t, 10, true)
	if err := l.Write([]byte("0123456789abcdefghijklmno")); err != nil {
		t.Fatal(err)
	}
	if got, want := contents(t, path), "klmno"; got != want {
		t.Errorf("file = %q; want %q", got, want)
	}
	if got, want := contents(t, path+".1"), "abcdefghij"; got != want {
		t.Errorf("FILE.1 = %q; want %q", got, want)
	}
}

// TestLogIsAFifo has nobody at its other end.
func TestLogIsAFifo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	l := NewLog(f, 100, true)
	defer l.Close()
	if err := l.Write(make([]byte, 1<<20)); err != nil {
		t.Errorf("Write into a full fifo = %v; want nil", err)
	}
}

func TestRing(t *testing.T) {
	size := os.Getpagesize()
	if got := len(NewRing(uint64(size + 1)).data); got != 2*size {
		t.Errorf("NewRing(%d) has %d bytes; want %d", size+1, got, 2*size)
	}
	r := NewRing(1)
	var all []byte
	for i := range 1000 {
		part := bytes.Repeat([]byte{byte(i)}, i%37)
		all = append(all, part...)
		r.Write(part)
		if want := all[max(len(all)-size, 0):]; !bytes.Equal(r.Read(0), want) {
			t.Fatalf("after %d bytes Read(0) is not the latest %d", len(all), len(want))
		}
	}
	if got := r.Read(10); !bytes.Equal(got, all[len(all)-size:][:10]) {
		t.Error("Read(10) are not the oldest ten")
	}
	r.Advance(10)
	if got := r.Len(); got != size-10 {
		t.Errorf("Len after Advance(10) = %d; want %d", got, size-10)
	}
	r.Write(make([]byte, 3*size))
	if got := r.Len(); got != size {
		t.Errorf("Len after a long Write = %d; want %d", got, size)
	}
	r.Clear()
	if got := r.Read(0); len(got) != 0 {
		t.Errorf("Read after Clear = %q; want nothing", got)
	}
}
