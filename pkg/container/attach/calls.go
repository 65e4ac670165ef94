package attach

import (
	"gantry/internal/sys"
)

// openCalls makes the way on which the child hands over the listener of a filter
// that notifies.
func (v *visit) openCalls() (err error) {
	if v.ours, v.theirs, err = sys.SocketPair(); err == nil {
		v.open.Add(func() { v.ours.Close(); v.theirs.Close() })
	}
	return err
}

// passCalls hands the listener to the monitor, whose proxy decides the command's
// calls from then on. Where that cannot be done the calls fail, with ENOSYS, as
// they do when the proxy fails. A child that ends before has more to say elsewhere.
func (v *visit) passCalls() {
	if v.ours == nil {
		return
	}
	v.theirs.Close()
	_, fds, err := sys.Receive(int(v.ours.Fd()), make([]byte, 1))
	defer sys.CloseAll(fds)
	if len(fds) == 1 {
		err = v.Client().AddSeccompListener(fds[0])
	}
	if err != nil {
		v.Log.Error("the monitor does not take the listener of the seccomp filter: ", err.Error())
	}
}
