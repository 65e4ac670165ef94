package seccomp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/tests/rig"
)

// needed are the calls a container's beginning and the probe are made of: an
// allowlist has to have them.
var needed = strings.Fields(`read write readv writev open openat openat2 close close_range fstat stat lstat newfstatat statx lseek mmap mprotect munmap
	mremap madvise brk rt_sigaction rt_sigprocmask rt_sigreturn ioctl access faccessat faccessat2 dup dup2 dup3 pause getpid gettid sendto recvfrom
	sendmsg recvmsg socket connect clone clone3 fork vfork execve execveat wait4 waitid exit exit_group fcntl getcwd chdir fchdir setgid setuid
	setgroups setresuid setresgid setreuid setregid getuid geteuid getgid getegid getppid setsid prctl arch_prctl futex set_tid_address set_robust_list
	rseq umask fchown fchmod fchmodat chown capget capset mkdirat mkdir poll ppoll nanosleep clock_nanosleep sigaltstack prlimit64 getrandom tgkill
	readlink readlinkat unlink unlinkat umount2 pipe pipe2 kill getpgrp sched_yield sched_getaffinity keyctl seccomp eventfd2 epoll_ctl clock_gettime gettimeofday time getdents64 fstatfs statfs getsockopt setsockopt`)

// numeric are their numbers on x86_64, for version 1.
func numeric() string {
	var lines strings.Builder
	for n, name := range abis[0].numbers.SyscallNumbers {
		for _, want := range needed {
			if name == want {
				fmt.Fprintln(&lines, n)
			}
		}
	}
	return lines.String()
}

// policies are what is tried.
func policies(t *testing.T) map[string]string {
	file := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	allow := strings.Join(needed, "\n") + "\n"
	return map[string]string{
		"debian":   file("/usr/share/lxc/config/common.seccomp"),
		"gantry":   file(filepath.Join(rig.Checkout(), "etc/config/common.seccomp")),
		"empty":    "2\ndenylist\n",
		"numbers":  "1\nallowlist\n" + numeric(),
		"allow":    "2\nallowlist\n" + allow,
		"refuse":   "2\nallowlist errno 95\n[all]\n" + allow + "splice allow [0,0xffffffff,==]\nsysinfo\n",
		"trap":     "2\nallowlist trap\n" + allow + "close errno 7 [0,9999,>]\nsysinfo errno 8\nsplice kill\ngetcpu errno 0\n",
		"kill":     "2\ndenylist\nreject_force_umount\nsplice kill [1,5,==]\nmknod kill\nmkdir trap\nwaitpid kill\nsysinfo errno 4094\nnosuchcall kill\n",
		"sections": "2\ndenylist errno 40\n[x86]\nkexec_load errno 41\n[X86_64]\nswapon errno 42\n[x32]\nswapoff errno 43\n[arm]\nacct errno 44\n[ARM64]\nreboot errno 45\n[ppc64le]\numask errno 46\n[ALL]\n" + strings.ReplaceAll(allow, "\n", " allow\n") + "iopl allow\n",
		"compare": "2\ndenylist\n" + `
splice errno 50 [1,5,==][2,5,==]
splice errno 51 [5,0x10,&=,0xf0]
splice errno 52 [2,8,>]
splice errno 53 [3,0x80000000,>=]
splice errno 54 [1,0x100000000,SCMP_CMP_EQ]
splice errno 55 [4,0,!=]
ioctl errno 56 [1,0x5412,==]
close errno 57 [0,10000,<=]
close errno 58 [0,10001,SCMP_CMP_GE]
keyctl errno 59 [0,2,<]
umount2 errno 60 [1,2,SCMP_CMP_MASKED_EQ,2]
`,
		"repeated": "2\ndenylist\nacct errno 1\nacct errno 2\nsplice errno 3 [1,5,==]\nsplice errno 4\nclose errno 5 [0,9999,==]\nclose errno 6 [0,9998,>]\nkeyctl errno 7\nkeyctl errno 8 [0,1,==]\n# the end\n",
		"notify":   "2\ndenylist\nsysinfo notify\nmknod notify\nsplice notify [1,5,==]\ngetcpu notify\nacct errno 9\n",
	}
}
