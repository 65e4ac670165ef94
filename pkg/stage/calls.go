package stage

import (
	"errors"
	"os"

	"gantry/internal/sys"
	"gantry/pkg/handover"
	"gantry/pkg/seccomp/notify"
	"golang.org/x/sys/unix"
)

// calls is what a start has to do with system calls that somebody else decides
// (the action notify of a seccomp policy). The shim sees to those of the running
// container. But set-up waits for the init's exec, and programs run under the
// filter before it, the start hooks: until the hand-over it serves them itself.
type calls struct {
	proxy *notify.Proxy  // nil when nobody is named
	sent  handover.Files // by the child; nil until they are taken
	stop  *os.File       // its end stops serve
	done  chan struct{}  // closed when serve has ended; nil before it begins
}

// findProxy connects to the proxy, if it will be needed: a start without it
// would only look like one.
func (r *run) findProxy() (err error) {
	s := r.plan.Seccomp
	if !r.in.Filter.Notifies {
		return nil
	}
	if s.Proxy == "" {
		r.Log.Warn(s.Profile, ": calls with the action notify wait until somebody asks for the listener (lxc.seccomp.notify.proxy names who decides them)")
		return nil
	}
	p, err := notify.New(s.Proxy, s.Cookie)
	if err != nil {
		return err
	}
	r.open.Add(p.Close)
	r.calls.proxy = p
	return p.Connect()
}

// take receives what the child sends: its terminals, and the listener.
func (r *run) take() (err error) {
	if r.calls.sent, err = r.receive(); err != nil {
		return err
	}
	if !r.in.Filter.Notifies {
		return nil
	}
	n, fds, err := sys.Receive(int(r.socket.Fd()), make([]byte, 1))
	if err == nil && (n == 0 || len(fds) != 1) {
		sys.CloseAll(fds)
		err = errors.New("the init did not hand the listener of its seccomp filter over")
	}
	if err != nil {
		return err
	}
	if r.calls.sent == nil {
		r.calls.sent = handover.Files{}
	}
	r.calls.sent[handover.Calls] = os.NewFile(uintptr(fds[0]), handover.Calls)
	if r.calls.proxy == nil {
		return nil
	}
	return r.serve(fds[0])
}

// serve has the proxy answer calls until endCalls.
func (r *run) serve(listener int) error {
	listener, err := unix.FcntlInt(uintptr(listener), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return sys.CallError("fcntl", err)
	}
	stop, w, err := os.Pipe()
	if err != nil {
		unix.Close(listener)
		return err
	}
	r.calls.proxy.About(r.monitor(), r.pid)
	r.calls.stop, r.calls.done = w, make(chan struct{})
	go func() {
		defer close(r.calls.done)
		defer stop.Close()
		r.calls.proxy.Serve(listener, int(stop.Fd()), r.Log.Warn)
	}()
	return nil
}

// endCalls leaves the calls to somebody else. One under way is answered first.
func (r *run) endCalls() {
	if r.calls.done != nil {
		r.calls.stop.Close()
		<-r.calls.done
	}
}

// passCalls gives the shim what take has received, and the connection to the proxy.
func (r *run) passCalls() error {
	// Only who waits for a listener needs a thread for it.
	err := r.tasks["calls"].wait()
	if r.tasks["calls"] == nil {
		err = r.take()
	}
	if err != nil {
		return err
	}
	r.endCalls()
	for name, f := range r.calls.sent {
		r.give(name, f)
	}
	if r.calls.proxy == nil {
		return nil
	}
	if fd := r.calls.proxy.Release(); fd >= 0 {
		r.give(handover.Proxy, os.NewFile(uintptr(fd), handover.Proxy))
	}
	return nil
}

// monitor is the pid of the container's shim: of this process, of what the
// launcher has become, or of who has started lxc-stage.
func (r *run) monitor() int {
	switch {
	case r.sibling:
		return os.Getppid()
	case r.plan.Daemon:
		return r.process.Pid
	}
	return os.Getpid()
}
