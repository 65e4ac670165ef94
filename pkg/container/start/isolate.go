package start

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// isolated is the environment variable by which a process knows that isolate
// has been there: it names the mount namespace made.
const isolated = "LXC_MONITOR_UNSHARED"

// isolate gives the start, and with it the monitor, a mount namespace of its
// own (lxc.monitor.unshare): what hooks mount is seen by the container and not
// by the host. Only the calling thread can be moved, so the program begins
// again from there; it must be the main thread, locked.
func isolate() error {
	const own = "/proc/self/ns/mnt" // the main thread's
	if ns, err := os.Readlink(own); err != nil || ns == os.Getenv(isolated) {
		return errors.Join(err, os.Unsetenv(isolated))
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("lxc.monitor.unshare: %w", os.NewSyscallError("unshare", err))
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("lxc.monitor.unshare: %w", os.NewSyscallError("mount --make-rslave /", err))
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	made, err := os.Readlink(own)
	if err != nil {
		return err
	}
	if err := os.Setenv(isolated, made); err != nil {
		return err
	}
	return os.NewSyscallError("execve", unix.Exec(program, os.Args, os.Environ()))
}
