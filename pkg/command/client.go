package command

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Client asks the monitor of one container. Every call makes its own
// connection, so a Client may be used by several goroutines.
//
// Errors: ErrNotRunning when no monitor answers, os.ErrDeadlineExceeded when
// it does not in time, otherwise `REQUEST: errno`; unix.ENOSYS is the errno of
// a monitor too old for the request.
type Client struct {
	Address string        // as Address gives it, or as /proc/net/unix shows it without the @
	Dir     string        // of containers, whose owner may be the monitor's user
	Timeout time.Duration // for each whole request; 0 waits for ever
}

// NewClient gives a client without timeout for a container.
func NewClient(lxcpath, name string) *Client {
	return &Client{Address: Address(lxcpath, name), Dir: lxcpath}
}

// State gives the container's state; one that does not run is Stopped.
func (c *Client) State() (State, error) {
	n, err := c.word(GetState, 0)
	if errors.Is(err, ErrNotRunning) {
		return Stopped, nil
	}
	return State(int32(n)), err
}

// InitPID gives the pid of the container's init, as the monitor sees it.
func (c *Client) InitPID() (int, error) {
	n, err := c.word(GetInitPID, 0)
	return int(int32(n)), err
}

// InitPidfd gives a pidfd of the container's init.
func (c *Client) InitPidfd() (*os.File, error) { return c.file(GetInitPidfd) }

// CloneFlags gives the CLONE_NEW* bits of the namespaces that were made for
// the container.
func (c *Client) CloneFlags() (uint64, error) { return c.word(GetCloneFlags, 0) }

// ConfigItem gives the value of a key as the container was started with. ok is
// false for keys that are unknown or have no value.
func (c *Client) ConfigItem(key string) (value string, ok bool, err error) {
	value, err = c.text(GetConfigItem, key)
	if errors.Is(err, unix.EPERM) {
		return "", false, nil // LXC's ret is a plain -1
	}
	return value, err == nil, err
}

// Name gives the container's name.
func (c *Client) Name() (string, error) { return c.ownText(GetName) }

// LXCPath gives the directory of containers the container belongs to.
func (c *Client) LXCPath() (string, error) { return c.ownText(GetLXCPath) }

// SystemdScope gives the path of the transient scope the container runs in.
// The errno is ENOENT without one.
func (c *Client) SystemdScope() (string, error) { return c.ownText(GetSystemdScope) }

// Cgroup gives the container's cgroup in the hierarchy of a controller (empty
// for the unified one), relative to its mount point and with a leading slash.
func (c *Client) Cgroup(controller string) (string, error) { return c.text(GetCgroup, controller) }

// LimitCgroup is Cgroup for the directory that limits are written to.
func (c *Client) LimitCgroup(controller string) (string, error) {
	return c.text(GetLimitCgroup, controller)
}

// Cgroup2FD gives the container's directory in the unified hierarchy.
func (c *Client) Cgroup2FD() (*os.File, error) { return c.file(GetCgroup2FD) }

// LimitCgroup2FD is Cgroup2FD for the directory that limits are written to.
func (c *Client) LimitCgroup2FD() (*os.File, error) { return c.file(GetLimitCgroup2FD) }

// DevptsFD gives the root directory of the container's devpts.
func (c *Client) DevptsFD() (*os.File, error) { return c.file(GetDevptsFD) }

// SeccompNotifyFD gives the listener of the container's seccomp filter.
func (c *Client) SeccompNotifyFD() (*os.File, error) { return c.file(GetSeccompNotifyFD) }

// ServeStateClients tells the monitor a new state; it tells its state clients.
func (c *Client) ServeStateClients(s State) error { return c.order(ServeStateClients, uint64(s)) }

// Freeze makes the monitor freeze the container and waits for that; -1 seconds
// is for ever.
func (c *Client) Freeze(seconds int) error { return c.order(Freeze, uint64(seconds)) }

// Unfreeze is the reverse of Freeze.
func (c *Client) Unfreeze(seconds int) error { return c.order(Unfreeze, uint64(seconds)) }

// AddDevice makes the monitor add a rule to the device program of a container
// on cgroup v2.
func (c *Client) AddDevice(d Device) error {
	_, err := c.ask(question{number: AddBPFDeviceCgroup, payload: d.Append(nil)})
	return err
}

// Stop makes the monitor send the stop signal to the init and returns when the
// monitor is gone: after the post-stop hooks. There is no answer on success,
// only the end of the connection; hence a container that does not run at all
// has to be told apart beforehand, by State.
func (c *Client) Stop() error {
	_, err := c.ask(question{number: Stop})
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	return err
}

// ConsoleLog reads or clears the ring buffer of the console. The errno is
// EFAULT without a buffer, ENODATA when there is nothing to read.
func (c *Client) ConsoleLog(r LogRequest) ([]byte, error) {
	got, err := c.ask(question{number: ConsoleLog, payload: r.Append(nil)})
	if err != nil {
		return nil, err
	}
	return got.data, nil
}

// word asks for a number.
func (c *Client) word(n Number, argument uint64) (uint64, error) {
	r, err := c.ask(question{number: n, word: argument})
	if err != nil {
		return 0, err
	}
	return r.word, nil
}

// order asks for something to be done.
func (c *Client) order(n Number, argument uint64) error {
	_, err := c.ask(question{number: n, word: argument})
	return err
}

// text asks for the string that belongs to a string.
func (c *Client) text(n Number, argument string) (string, error) {
	return c.string(n, append([]byte(argument), 0))
}

// ownText asks for a string of the container.
func (c *Client) ownText(n Number) (string, error) { return c.string(n, nil) }

func (c *Client) string(n Number, payload []byte) (string, error) {
	r, err := c.ask(question{number: n, payload: payload})
	if err != nil {
		return "", err
	}
	return getText(r.data), nil
}

// file asks for one descriptor; an answer without it is EBADF.
func (c *Client) file(n Number) (*os.File, error) {
	r, err := c.ask(question{number: n})
	if err != nil {
		return nil, err
	}
	if len(r.files) == 0 {
		return nil, os.NewSyscallError(n.String(), unix.EBADF)
	}
	return r.files[0], nil
}
