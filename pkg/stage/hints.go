package stage

import (
	"errors"

	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// hints says what a user can do about a step that failed.
var hints = []struct {
	op    plan.Op
	errno unix.Errno
	hint  string
}{
	{plan.OpCoreSched, unix.EINVAL, "the kernel has no core scheduling"},
	{plan.OpRootfs, unix.ENOENT, "create the directory, or correct the path; lxc.rootfs.mount must exist too"},
	{plan.OpRootfs, unix.EACCES, "every directory above it needs permission x for the container's root"},
	{plan.OpMount, unix.ENOENT, "source and mount point must exist: create=dir or create=file makes the mount point, optional skips the entry"},
	{plan.OpMount, unix.ENODEV, "the kernel does not know this file system; is its module loaded?"},
	{plan.OpMount, unix.EINVAL, "the file system refuses an option"},
	{plan.OpMount, unix.ELOOP, "a symbolic link on the way to the mount point is refused"},
	{plan.OpMount, unix.ENOTDIR, "source and mount point must both be directories or both be files"},
	{plan.OpHook, unix.ENOENT, "hooks are run by /bin/sh, which the rootfs does not have"},
	{plan.OpSysctl, unix.ENOENT, "the kernel has no such sysctl; one of the network needs a network namespace"},
	{plan.OpSysctl, unix.ENODEV, "mount it: lxc.mount.auto = proc:mixed"},
	{plan.OpSysctl, unix.EACCES, "this sysctl cannot be set inside a container"},
	{plan.OpSysctl, unix.EINVAL, "the kernel refuses the value"},
	{plan.OpLSM, unix.ENOENT, "the profile is not loaded: see apparmor_parser(8), or choose generated or unconfined"},
	{plan.OpLSM, unix.EACCES, "what confines the starting process does not let it change to that"},
	{plan.OpExec, unix.ENOENT, "the program, its interpreter or its dynamic linker is not in the rootfs"},
	{plan.OpExec, unix.EACCES, "the program is not executable, or its file system is mounted noexec"},
	{plan.OpExec, unix.ENOEXEC, "not a program for this machine"},
	{plan.OpExec, unix.EINVAL, "an id that the container's id map does not have"},
	{plan.OpDevpts, unix.ENOENT, "the rootfs needs a /dev: create it, or leave lxc.autodev at 1"},
	{plan.OpConsole, unix.ENOENT, "the rootfs needs a /dev: create it, or leave lxc.autodev at 1"},
}

func hintFor(s plan.Step, err error) string {
	for _, h := range hints {
		if h.op == s.Op && errors.Is(err, h.errno) {
			return h.hint
		}
	}
	return ""
}
