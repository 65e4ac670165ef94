// Package capability knows the capabilities (capabilities(7)) by name and
// number, works out what lxc.cap.drop and lxc.cap.keep take from a bounding
// set, and reads the sets of a running process.
package capability

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// names has the names in the order of their numbers.
var names = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}

// Parse reads one word of lxc.cap.drop or lxc.cap.keep: a lower-case name
// without cap_, or a number up to last, the kernel's last capability.
func Parse(word string, last int) (int, error) {
	for n, name := range names {
		if name == word {
			return n, nil
		}
	}
	n, err := strconv.ParseUint(word, 0, 32)
	switch {
	case err == nil && n <= uint64(last):
		return int(n), nil
	case err == nil:
		return 0, errors.New("capability " + word + " is beyond the kernel's last, " + strconv.Itoa(last))
	}
	lower := strings.TrimPrefix(strings.ToLower(word), "cap_")
	for _, name := range names {
		if name == lower {
			return 0, errors.New(strconv.Quote(word) + " is not a capability (did you mean " + lower + "?)")
		}
	}
	return 0, errors.New(strconv.Quote(word) + " is not a capability")
}

// Name gives the name Parse knows a capability by; its number when it has none.
func Name(n int) string {
	if n >= 0 && n < len(names) {
		return names[n]
	}
	return strconv.Itoa(n)
}

// Last is the number of the kernel's last capability; without /proc, that of
// the kernel this program was written for.
func Last() int {
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return unix.CAP_LAST_CAP
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n < 0 || n > 63 {
		return unix.CAP_LAST_CAP
	}
	return n
}

// A Set is a set of capabilities; bit n stands for capability n.
type Set uint64

// SetOf gives the set of the listed capabilities.
func SetOf(list ...int) (s Set) {
	for _, n := range list {
		s |= 1 << n
	}
	return s
}

// All gives the set of the capabilities 0 to last.
func All(last int) Set { return ^Set(0) >> (63 - last) }

// Has says whether capability n is in the set.
func (s Set) Has(n int) bool { return s&(1<<n) != 0 }

// List gives the members in ascending order.
func (s Set) List() (list []int) {
	for n := range 64 {
		if s.Has(n) {
			list = append(list, n)
		}
	}
	return list
}

// Dropped gives what c takes out of the bounding set of a kernel whose last
// capability is last: everything but the keep list when there is one, else the
// drop list. A listed capability the kernel does not have needs no dropping.
func Dropped(c plan.Caps, last int) Set {
	if c.Keeps {
		return All(last) &^ SetOf(c.Keep...)
	}
	return All(last) & SetOf(c.Drop...)
}
