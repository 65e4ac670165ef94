// Package rlimit knows the resource limits (getrlimit(2)) by the names LXC's
// lxc.prlimit keys use, and sets them on a process.
package rlimit

import (
	"errors"
	"strconv"
	"strings"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// Unlimited is the value of a limit that does not limit.
const Unlimited = unix.RLIM_INFINITY

var names = [...]struct {
	name   string
	number int
}{
	{"as", unix.RLIMIT_AS}, {"core", unix.RLIMIT_CORE}, {"cpu", unix.RLIMIT_CPU}, {"data", unix.RLIMIT_DATA},
	{"fsize", unix.RLIMIT_FSIZE}, {"locks", unix.RLIMIT_LOCKS}, {"memlock", unix.RLIMIT_MEMLOCK},
	{"msgqueue", unix.RLIMIT_MSGQUEUE}, {"nice", unix.RLIMIT_NICE}, {"nofile", unix.RLIMIT_NOFILE},
	{"nproc", unix.RLIMIT_NPROC}, {"rss", unix.RLIMIT_RSS}, {"rtprio", unix.RLIMIT_RTPRIO},
	{"rttime", unix.RLIMIT_RTTIME}, {"sigpending", unix.RLIMIT_SIGPENDING}, {"stack", unix.RLIMIT_STACK},
}

// Resource gives the number of a resource from its lower-case name.
func Resource(name string) (int, error) {
	for _, r := range names {
		if r.name == name {
			return r.number, nil
		}
	}
	known := make([]string, len(names))
	for i, r := range names {
		known[i] = r.name
	}
	return 0, errors.New(strconv.Quote(name) + " is not a resource that can be limited (one of " + strings.Join(known, " ") + ")")
}

// Name gives the name of a resource, or its number when it has none.
func Name(resource int) string {
	for _, r := range names {
		if r.number == resource {
			return r.name
		}
	}
	return strconv.Itoa(resource)
}

// Parse reads SOFT[:HARD], each a decimal number or "unlimited". Without HARD
// both limits are SOFT. Whether SOFT exceeds HARD is not looked at.
func Parse(value string) (soft, hard uint64, err error) {
	first, second, _ := strings.Cut(value, ":")
	if soft, err = parseLimit(first); err != nil {
		return 0, 0, err
	}
	if strings.TrimSpace(second) == "" {
		return soft, soft, nil
	}
	hard, err = parseLimit(second)
	return soft, hard, err
}

// parseLimit reads what strtoull(3) does: nothing at all is 0 (":5"), and -1,
// as configurations have it, the largest number, which is no limit.
func parseLimit(s string) (uint64, error) {
	s = strings.TrimSpace(s)
	switch s {
	case "":
		return 0, nil
	case "unlimited", "-1":
		return Unlimited, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 10, 64)
	if err != nil {
		return 0, errors.New(strconv.Quote(s) + ` is neither a number nor "unlimited"`)
	}
	return n, nil
}

// Format is the text Parse reads a limit from: a number or "unlimited".
func Format(limit uint64) string {
	if limit == Unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(limit, 10)
}

// Set limits a resource of the process pid (prlimit(2)).
func Set(pid, resource int, soft, hard uint64) error {
	err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: soft, Max: hard}, nil)
	return sys.CallError("prlimit "+Name(resource)+" "+Format(soft)+":"+Format(hard), err)
}
