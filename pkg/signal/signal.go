// Package signal knows the signals by the names and numbers LXC's
// configuration and command lines use.
package signal

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The real-time signals programs may use: the C library keeps 32 and 33 to
// itself (signal(7)).
const (
	rtMin = 34
	rtMax = 64
)

// names lists every name that is understood.
var names = [...]struct {
	name   string
	number unix.Signal
}{
	{"HUP", unix.SIGHUP}, {"INT", unix.SIGINT}, {"QUIT", unix.SIGQUIT}, {"ILL", unix.SIGILL},
	{"TRAP", unix.SIGTRAP}, {"ABRT", unix.SIGABRT}, {"IOT", unix.SIGIOT}, {"BUS", unix.SIGBUS},
	{"FPE", unix.SIGFPE}, {"KILL", unix.SIGKILL}, {"USR1", unix.SIGUSR1}, {"SEGV", unix.SIGSEGV},
	{"USR2", unix.SIGUSR2}, {"PIPE", unix.SIGPIPE}, {"ALRM", unix.SIGALRM}, {"TERM", unix.SIGTERM},
	{"STKFLT", unix.SIGSTKFLT}, {"CHLD", unix.SIGCHLD}, {"CLD", unix.SIGCHLD}, {"CONT", unix.SIGCONT},
	{"STOP", unix.SIGSTOP}, {"TSTP", unix.SIGTSTP}, {"TTIN", unix.SIGTTIN}, {"TTOU", unix.SIGTTOU},
	{"URG", unix.SIGURG}, {"XCPU", unix.SIGXCPU}, {"XFSZ", unix.SIGXFSZ}, {"VTALRM", unix.SIGVTALRM},
	{"PROF", unix.SIGPROF}, {"WINCH", unix.SIGWINCH}, {"IO", unix.SIGIO}, {"POLL", unix.SIGPOLL},
	{"PWR", unix.SIGPWR}, {"SYS", unix.SIGSYS},
}

// Parse reads a signal: a number in C notation up to 64, where 0 stands for
// none, or in any case SIGNAME, SIGRTMIN+N or SIGRTMAX-N.
func Parse(s string) (int, error) {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil || n > rtMax {
			return 0, errors.New(strconv.Quote(s) + " is not a signal: numbers go from 1 to 64")
		}
		return int(n), nil
	}
	upper := strings.ToUpper(s)
	name, prefixed := strings.CutPrefix(upper, "SIG")
	if !prefixed {
		if _, ok := number(upper); ok {
			return 0, errors.New(strconv.Quote(s) + " is not a signal (did you mean SIG" + upper + "?)")
		}
		return 0, errors.New(strconv.Quote(s) + " is neither a signal's number nor a name like SIGTERM or SIGRTMIN+3")
	}
	if n, ok := number(name); ok {
		return n, nil
	}
	return 0, errors.New(strconv.Quote(s) + " is not the name of a signal")
}

// number finds the signal of an upper-case name without SIG.
func number(name string) (int, bool) {
	for _, s := range names {
		if s.name == name {
			return int(s.number), true
		}
	}
	base, sign := rtMin, 1
	offset, ok := strings.CutPrefix(name, "RTMIN+")
	if !ok {
		base, sign = rtMax, -1
		offset, ok = strings.CutPrefix(name, "RTMAX-")
	}
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.ToLower(offset), 0, 8)
	if err != nil || n > rtMax-rtMin {
		return 0, false
	}
	return base + sign*int(n), true
}
