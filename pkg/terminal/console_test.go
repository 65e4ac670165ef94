package terminal

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pattern makes n bytes of which no two neighbouring 4 kB are alike.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>12)
	}
	return b
}

// output writes b in the container and closes nothing.
func output(t *testing.T, pts *os.File, b []byte) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := pts.Write(b); err != nil {
			t.Error(err)
		}
	}()
	return done
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pipe gives one that os does not make blocking again whenever Fd is called.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// TestOutputReachesAll checks that log, ring and peer get every byte.
func TestOutputReachesAll(t *testing.T) {
	log, path := newLog(t, 0, false)
	p, c, pts := newConsole(t, log, NewRing(1<<20))
	r, w := pipe(t)
	if err := c.Connect(Peer{In: -1, Out: int(w.Fd()), Patient: true}); err != nil {
		t.Fatal(err)
	}
	want := pattern(1 << 20)
	got := make(chan []byte)
	go func() {
		b := make([]byte, 0, len(want))
		for len(b) < len(want) {
			n, err := r.Read(b[len(b):cap(b)])
			if err != nil {
				t.Error(err)
				break
			}
			b = b[:len(b)+n]
		}
		got <- b
	}()
	written := output(t, pts, want)
	var shown []byte
	p.run(t, func() bool {
		select {
		case shown = <-got:
			return true
		default:
			return false
		}
	})
	<-written
	if !bytes.Equal(shown, want) {
		t.Error("the peer got other bytes")
	}
	if !bytes.Equal(c.Ring().Read(0), want) {
		t.Error("the ring got other bytes")
	}
	if contents(t, path) != string(want) {
		t.Error("the log got other bytes")
	}
}

// TestStalledProxy checks that who does not read stops neither the container
// nor the log.
func TestStalledProxy(t *testing.T) {
	log, path := newLog(t, 0, false)
	p, c, pts := newConsole(t, log, nil)
	if _, err := c.Proxy(); err != nil {
		t.Fatal(err)
	}
	want := pattern(1 << 20)
	written := output(t, pts, want)
	p.run(t, func() bool { return closed(written) })
	c.Drain()
	if contents(t, path) != string(want) {
		t.Error("the log is not whole")
	}
	if got := len(c.peer.behind); got > backlog {
		t.Errorf("%d bytes are kept for a stalled peer; want %d at most", got, backlog)
	}
}

// TestStalledPatientPeer checks that output waits, and is all there when the
// peer goes on.
func TestStalledPatientPeer(t *testing.T) {
	p, c, pts := newConsole(t, nil, nil)
	r, w := pipe(t)
	if err := c.Connect(Peer{In: -1, Out: int(w.Fd()), Patient: true}); err != nil {
		t.Fatal(err)
	}
	written := output(t, pts, pattern(1<<20))
	for range 100 {
		p.turn(1)
	}
	if closed(written) {
		t.Fatal("a megabyte went nowhere")
	}
	if got := len(c.peer.behind); got > backlog+chunk {
		t.Errorf("%d bytes are kept; want no more than %d", got, backlog+chunk)
	}
	r.Close()
	p.run(t, func() bool { return closed(written) }) // its end frees the container
}

func TestProxy(t *testing.T) {
	p, c, pts := newConsole(t, nil, nil)
	fd, err := c.Proxy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Proxy(); !errors.Is(err, ErrBusy) {
		t.Errorf("second Proxy() = %v; want %v", err, ErrBusy)
	}
	unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77})
	unix.Write(fd, []byte("typed\x03\n"))
	var b [64]byte
	var n int
	p.run(t, func() bool {
		if ready, _ := unix.Poll([]unix.PollFd{{Fd: int32(pts.Fd()), Events: unix.POLLIN}}, 0); ready > 0 {
			n, _ = pts.Read(b[:])
		}
		return n > 0
	})
	if got, want := string(b[:n]), "typed\x03\n"; got != want {
		t.Errorf("the container reads %q; want %q", got, want)
	}
	if size, err := unix.IoctlGetWinsize(int(pts.Fd()), unix.TIOCGWINSZ); err != nil || size.Row != 33 || size.Col != 77 {
		t.Errorf("window size = %v, %v; want 33 by 77", size, err)
	}
	own := os.NewFile(uintptr(must(unix.Dup(fd))), "proxy")
	defer own.Close()
	c.Disconnect()
	if _, err := own.Read(b[:]); !errors.Is(err, unix.EIO) {
		t.Errorf("read after Disconnect = %v; want %v", err, unix.EIO)
	}
	if _, err := c.Proxy(); err != nil {
		t.Errorf("Proxy() after Disconnect = %v", err)
	}
}

func must(n int, err error) int {
	if err != nil {
		panic(err)
	}
	return n
}

// TestTypeAheadOfAContainerThatDoesNotRead checks that it is kept in bounds
// and arrives whole.
func TestTypeAheadOfAContainerThatDoesNotRead(t *testing.T) {
	p, c, pts := newConsole(t, nil, nil)
	r, w := pipe(t)
	if err := c.Connect(Peer{In: int(r.Fd()), Out: -1}); err != nil {
		t.Fatal(err)
	}
	want := pattern(200_000)
	typed := output(t, w, want)
	for range 100 {
		p.turn(1)
	}
	if closed(typed) {
		t.Fatal("the console swallows what the container does not read")
	}
	var got []byte
	p.run(t, func() bool {
		var b [4096]byte
		if ready, _ := unix.Poll([]unix.PollFd{{Fd: int32(pts.Fd()), Events: unix.POLLIN}}, 0); ready > 0 {
			n, _ := pts.Read(b[:])
			got = append(got, b[:n]...)
		}
		return len(got) >= len(want)
	})
	if !bytes.Equal(got, want) {
		t.Error("the container reads other bytes")
	}
	w.Close()
	p.run(t, func() bool { return c.peer.In == -1 })
}

func TestNobodyInTheContainerHasItOpen(t *testing.T) {
	p, _, pts := newConsole(t, nil, nil)
	pts.Close()
	for range 10 {
		p.turn(1)
	}
	for fd := range p.events {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, _ := unix.Poll(ready, 0); n != 0 {
			t.Errorf("events %#x wake the loop for ever", ready[0].Revents)
		}
	}
}

func TestTTYs(t *testing.T) {
	_, c, _ := newConsole(t, nil, nil)
	a, _ := openRaw(t)
	b, _ := openRaw(t)
	ttys := NewTTYs(c, []int{int(a.Fd()), int(b.Fd())})
	defer ttys.Close()
	take := func(n, owner, want int, wantErr error) {
		t.Helper()
		got, _, err := ttys.Take(n, owner)
		if !errors.Is(err, wantErr) || err == nil && got != want {
			t.Errorf("Take(%d) = %d, %v; want %d, %v", n, got, err, want, wantErr)
		}
	}
	take(-1, 10, 1, nil)
	take(-1, 11, 2, nil)
	take(-1, 12, 0, ErrBusy)
	take(1, 12, 0, ErrBusy)
	take(3, 12, 0, ErrNoTTY)
	take(0, 13, 0, nil)
	take(0, 14, 0, ErrBusy)
	ttys.Release(10)
	ttys.Release(13)
	take(-1, 14, 1, nil)
	take(0, 14, 0, nil)
	if got, _, err := NewTTYs(nil, nil).Take(0, 1); !errors.Is(err, ErrNoTTY) {
		t.Errorf("Take(0) without a console = %d, %v; want %v", got, err, ErrNoTTY)
	}
}
