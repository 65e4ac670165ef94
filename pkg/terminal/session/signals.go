package session

import (
	"os"
	"os/signal"
	"slices"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// fatal are the signals that end a session.
var fatal = []os.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP}

// signals turns signals into bytes on a pipe, for poll(2).
type signals struct {
	caught chan os.Signal
	r, w   int
	done   chan struct{}
}

// catch begins to catch what concerns a session. What nohup(1) or a shell has
// ignored stays ignored.
func catch(ignore []os.Signal) (*signals, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, sys.CallError("pipe2", err)
	}
	s := &signals{caught: make(chan os.Signal, 16), r: fds[0], w: fds[1], done: make(chan struct{})}
	want := []os.Signal{unix.SIGWINCH, unix.SIGCONT}
	for _, sig := range append([]os.Signal{unix.SIGTSTP}, fatal...) {
		if !signal.Ignored(sig) {
			want = append(want, sig)
		}
	}
	signal.Notify(s.caught, want...)
	go func() {
		defer close(s.done)
		for sig := range s.caught {
			// Caught all the same: their default would leave the terminal raw.
			if !slices.Contains(ignore, sig) {
				unix.Write(s.w, []byte{byte(sig.(unix.Signal))})
			}
		}
	}()
	return s, nil
}

// next gives a signal that has come; 0 when there is none.
func (s *signals) next() unix.Signal {
	var b [1]byte
	n, err := sys.RetryInt(func() (int, error) { return unix.Read(s.r, b[:]) })
	if err != nil || n == 0 {
		return 0
	}
	return unix.Signal(b[0])
}

func (s *signals) close() {
	signal.Stop(s.caught)
	close(s.caught)
	<-s.done
	unix.Close(s.r)
	unix.Close(s.w)
}
