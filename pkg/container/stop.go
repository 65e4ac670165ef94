package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
	"gantry/pkg/command"
	"gantry/pkg/config"
)

// StopOptions says how Stop ends a container.
type StopOptions struct {
	Kill    bool          // send the stop signal (lxc.signal.stop, SIGKILL) and nothing else
	Reboot  bool          // ask the init to reboot and wait until it runs again
	NoKill  bool          // do not kill a container that does not stop in time
	Timeout time.Duration // how long to wait; 0 does not wait, negative waits for ever
}

// ErrTimeout means that the container did not do in time what it was asked to.
var ErrTimeout = errors.New("in time")

// Stop ends or reboots the container. It returns when the monitor has run the
// post-stop hooks and is gone. One that does not run is ErrNotRunning.
//
//	Stop                   init                monitor
//	 │ ─ halt signal ──────▶ │                     │
//	 │ ◀─ pidfd: it ended ── ┘                     │ stop, post-stop hooks
//	 │ ◀─ state socket: STOPPED, or its end ────── ┘
func Stop(c *Container, o StopOptions) error {
	running, err := c.Running()
	if err != nil {
		return err
	}
	if !running {
		c.clearStale(!o.NoKill && !o.Reboot)
		return c.NotRunning("")
	}
	if o.Kill {
		return c.Client().Stop()
	}
	// A configuration that cannot be read is no reason to kill.
	conf, err := c.Config()
	if err != nil {
		return err
	}
	if o.Reboot {
		return reboot(c, conf, o.Timeout)
	}
	err = shutdown(c, conf, o.Timeout)
	if err == nil || o.NoKill {
		return err
	}
	c.Log.Info("killing ", c.Name, ": ", err.Error())
	return c.Client().Stop()
}

// shutdown asks the init to end. It has timeout for that, and the monitor's
// hooks have as much once more.
func shutdown(c *Container, conf *config.Config, timeout time.Duration) error {
	init, err := c.Client().InitPidfd()
	if err != nil {
		return gone(err)
	}
	defer init.Close()
	signal := haltSignal(c, conf)
	if timeout == 0 {
		return sendSignal(init, signal)
	}
	// Registered before the signal is sent, so that no change is missed.
	waiter, err := c.Client().Wait(command.Wants{command.Stopped: command.Notify})
	if err != nil {
		return gone(err)
	}
	defer waiter.Close()
	if err := sendSignal(init, signal); err != nil {
		return err
	}
	ended, err := awaitEnd(init, timeout)
	if err != nil {
		return err
	}
	if !ended {
		return fmt.Errorf("%s has not stopped %w (lxc-stop -k kills it)", c.Name, ErrTimeout)
	}
	return awaitState(c, waiter, command.Stopped, timeout)
}

// reboot asks the init to reboot. The registration survives the reboot.
func reboot(c *Container, conf *config.Config, timeout time.Duration) error {
	init, err := c.Client().InitPidfd()
	if err != nil {
		return err
	}
	defer init.Close()
	signal := unix.Signal(conf.Signal.Reboot.V)
	if signal == 0 {
		signal = unix.SIGINT
	}
	if timeout == 0 {
		return sendSignal(init, signal)
	}
	waiter, err := c.Client().Wait(command.Wants{command.Running: command.Persist})
	if err != nil {
		return err
	}
	defer waiter.Close()
	if err := sendSignal(init, signal); err != nil {
		return err
	}
	return awaitState(c, waiter, command.Running, timeout)
}

// gone turns a monitor that has gone into success: it is what was wanted.
func gone(err error) error {
	if errors.Is(err, command.ErrNotRunning) {
		return nil
	}
	return err
}

// awaitState waits for a state.
func awaitState(c *Container, waiter *command.Waiter, want command.State, timeout time.Duration) error {
	state, err := waiter.Wait(timeout)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%s has not become %s %w", c.Name, want, ErrTimeout)
	}
	if err == nil && state != want {
		return errors.New(c.Name + " is " + state.String() + " instead of " + want.String())
	}
	return err
}

// awaitEnd waits until the process of a pidfd has ended; negative is for ever.
func awaitEnd(pidfd *os.File, timeout time.Duration) (ended bool, err error) {
	deadline := time.Now().Add(timeout)
	for {
		wait := -1
		if timeout >= 0 {
			wait = int(max(time.Until(deadline).Milliseconds(), 0))
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd.Fd()), Events: unix.POLLIN}}, wait)
		if err == unix.EINTR {
			continue
		}
		return n > 0, sys.CallError("poll", err)
	}
}

// sendSignal signals the process of a pidfd. One that has just ended needs none.
func sendSignal(pidfd *os.File, signal unix.Signal) error {
	err := unix.PidfdSendSignal(int(pidfd.Fd()), signal, nil, 0)
	if err == unix.ESRCH {
		return nil
	}
	return sys.CallError("pidfd_send_signal", err)
}

// systemdHalt is the signal on which systemd halts, SIGRTMIN+3 (systemd(1)).
const systemdHalt = unix.Signal(34 + 3)

// haltSignal gives the signal that asks the container's init to end:
// lxc.signal.halt, else systemd's if the init is prepared for it, which shows
// in its blocked signals, else SIGPWR.
func haltSignal(c *Container, conf *config.Config) unix.Signal {
	if configured := conf.Signal.Halt.V; configured != 0 {
		return unix.Signal(configured)
	}
	pid, err := c.Client().InitPID()
	if err == nil && blocks(pid, systemdHalt) {
		return systemdHalt
	}
	return unix.SIGPWR
}

// blocks says whether a process has a signal blocked, as far as proc(5) tells.
func blocks(pid int, signal unix.Signal) bool {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(status)) {
		mask, ok := strings.CutPrefix(line, "SigBlk:")
		if !ok {
			continue
		}
		bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
		return err == nil && bits&(1<<(signal-1)) != 0
	}
	return false
}
