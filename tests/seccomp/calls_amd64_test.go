package seccomp

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// A call is one that the probe makes: a system call of one abi with arguments.
type call struct {
	abi, name string
	number    uint32
	args      [6]uint64
}

func (c call) String() string { return fmt.Sprintf("%s %s%#x", c.abi, c.name, c.args) }

// attempts lists names of system calls with arguments, as far as they are not 0.
// Root without capabilities makes them: those that are let through fail, or do
// no harm. None of them waits.
const attempts = `
	kexec_load  open_by_handle_at:-1  init_module  finit_module:-1  delete_module  create_module  query_module  _sysctl
	umount2:0:0  umount2:0:1  umount2:0:2  umount2:0:3  umount2:0:0x100000001  umount
	mount  pivot_root  chroot  reboot  swapon  swapoff  acct  sethostname  setdomainname  iopl:3  ioperm  quotactl  uselib
	personality:0xffffffff  keyctl:0  keyctl:1  keyctl:0x100000000  keyctl:99  add_key  request_key  bpf:99  userfaultfd:-1
	perf_event_open  process_vm_readv:-1  kcmp:-1  setns:-1  unshare:0x80000000  clone3  mknod  mknodat:-1  mkdir  mkdirat:-1  chmod  open
	close:9999  close:10000  close:10001  close:-1  dup:9999  ioctl:9999:0x5412  ioctl:9999:0x5413  ioctl:9999:0x100005412
	splice:-1  splice:-1:1  splice:-1:2:3:4:5:6  splice:-1:0:0:0:0:0x10  splice:-1:0:0:0:0:0x1f  splice:-1:0:0:0:0:0xf0  splice:-1:0:0:0:0:0x110
	splice:-1:0xffffffff  splice:-1:0x100000000  splice:-1:0x100000001  splice:-1:0x7fffffffffffffff  splice:-1:0:7  splice:-1:0:8  splice:-1:0:9
	splice:-1:0:0:0x80000000  splice:-1:0:0:0x7fffffff  splice:-1:0:0:0:-1  splice:-1:5:5  splice:-1:5:6
	getpid  getppid  gettid  getuid  getuid32  umask  sysinfo  waitpid:-2  stime  olduname  nice  _llseek:-1  lseek:-1
	sched_yield  times  sync_file_range:-1  fsync:-1  getcpu  rseq  restart_syscall:1  futex:0:99  set_robust_list:0:1  statx  openat2  memfd_secret:-1`

// abis lists the kinds of calls: as the probe knows them, their names, and the
// tables that others have made of their numbers.
var abis = []struct {
	kind    uint64 // 1 is int $0x80
	name    string
	bit     uint32
	numbers *arch.Info
}{{0, "x86_64", 0, arch.X86_64}, {1, "i386", 0, arch.I386}, {0, "x32", 0x40000000, arch.X32}}

// calls makes a list of calls of names with arguments.
func calls(text string) (list []call) {
	for _, abi := range abis {
		for _, attempt := range strings.Fields(text) {
			fields := strings.Split(attempt, ":")
			c := call{abi: abi.name, name: fields[0]}
			for i, f := range fields[1:] {
				var n int64
				if _, err := fmt.Sscan(f, &n); err != nil {
					panic(attempt)
				}
				c.args[i] = uint64(n)
			}
			// x32 has a number from 512 on of its own for some.
			known := false
			for n, name := range abi.numbers.SyscallNumbers {
				if name == c.name && (!known || uint32(n)|abi.bit > c.number) {
					c.number, known = uint32(n)|abi.bit, true
				}
			}
			if known {
				list = append(list, c)
			}
		}
	}
	return list
}

const entrySize = 128

// table is what the probe reads.
func table(list []call) []byte {
	b := make([]byte, entrySize*(1+len(list)))
	binary.LittleEndian.PutUint64(b, uint64(len(list)))
	for i, c := range list {
		e := b[entrySize*(1+i):]
		for _, abi := range abis {
			if abi.name == c.abi {
				binary.LittleEndian.PutUint64(e, abi.kind)
			}
		}
		binary.LittleEndian.PutUint64(e[8:], uint64(c.number))
		for j, arg := range c.args {
			binary.LittleEndian.PutUint64(e[16+8*j:], arg)
		}
	}
	return b
}

// verdicts reads what the probe has written: what became of each call.
func verdicts(b []byte, list []call) []string {
	got := make([]string, len(list))
	for i := range list {
		e := b[entrySize*(1+i):]
		result, outcome := int64(binary.LittleEndian.Uint64(e[64:])), binary.LittleEndian.Uint64(e[72:])
		status := unix.WaitStatus(binary.LittleEndian.Uint32(e[80:]))
		switch {
		case status.Signaled():
			got[i] = unix.SignalName(status.Signal())
		case outcome == 2:
			got[i] = "trap"
		case outcome == 1 && result < 0:
			got[i] = unix.ErrnoName(unix.Errno(-result))
			if got[i] == "" {
				got[i] = fmt.Sprint("errno ", -result)
			}
		case outcome == 1:
			got[i] = "ok"
		default:
			got[i] = "not tried"
		}
	}
	return got
}
