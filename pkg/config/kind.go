package config

import (
	"errors"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"gantry/internal/log"
	"gantry/pkg/capability"
	"gantry/pkg/personality"
	"gantry/pkg/rlimit"
	"gantry/pkg/signal"
)

// A kind is how the text of a value is read and written.
type kind[T any] struct {
	parse  func(string) (T, error)
	format func(T) string // what parse reads
	show   func(T) string // what a getter shows; nil is format
}

func (k *kind[T]) get(v T) string {
	if k.show != nil {
		return k.show(v)
	}
	return k.format(v)
}

// The kinds of values several keys have in common.
var (
	text     = &kind[string]{parse: func(s string) (string, error) { return s, nil }, format: same}
	path     = &kind[string]{parse: func(s string) (string, error) { return cleanPath(s), nil }, format: same}
	boolean  = &kind[bool]{parse: parseBool, format: formatBool}
	unsigned = &kind[uint]{parse: parseUint, format: func(v uint) string { return strconv.FormatUint(uint64(v), 10) }}
	id       = &kind[uint32]{parse: parseID, format: func(v uint32) string { return strconv.FormatUint(uint64(v), 10) }, show: showID}
	integer  = &kind[int]{parse: parseInt, format: strconv.Itoa}
	size     = &kind[uint64]{parse: parseSize, format: func(v uint64) string { return strconv.FormatUint(v, 10) }}
	signals  = &kind[int]{parse: signal.Parse, format: strconv.Itoa}
)

// The kinds of single keys.
var (
	arch       = &kind[int64]{parse: personality.Parse, format: personality.Name}
	tmpfsSize  = &kind[int]{parse: parseTmpfsSize, format: strconv.Itoa}
	capName    = &kind[string]{parse: parseCap, format: same}
	cgroupDir  = &kind[string]{parse: parseCgroupDir, format: same, show: showNull}
	cgroupLeaf = &kind[string]{parse: parseCgroupLeaf, format: same, show: showNull}
	environ    = &kind[string]{parse: parseEnviron, format: same}
	level      = &kind[log.Level]{parse: parseLevel, format: log.Level.String}
	facility   = &kind[string]{parse: parseFacility, format: same}
	hookStyle  = &kind[uint]{parse: parseHookVersion, format: unsigned.format}
	limit      = &kind[Limit]{parse: parseLimit, format: formatLimit}
	hostname   = &kind[string]{parse: func(s string) (string, error) { return atMost(s, 64) }, format: same}
	ttyDir     = &kind[string]{parse: func(s string) (string, error) { return atMost(s, 255) }, format: same}
	proxy      = &kind[string]{parse: parseProxy, format: formatProxy, show: showProxy}
)

func same(s string) string { return s }

// showNull is how C's printf writes a string that is not there.
func showNull(s string) string {
	if s == "" {
		return "(null)"
	}
	return s
}

// cleanPath removes duplicate slashes and those at the end.
func cleanPath(s string) string {
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	if len(s) > 1 {
		s = strings.TrimSuffix(s, "/")
	}
	return s
}

func parseBool(s string) (bool, error) {
	n, err := cNumber(s, 64)
	if err != nil || n > 1 {
		return false, errors.New(strconv.Quote(s) + " is neither 0 nor 1")
	}
	return n == 1, nil
}

func formatBool(v bool) string {
	if v {
		return "1"
	}
	return "0"
}

// cNumber reads an unsigned number in C notation: 12, 0x1f, 017.
func cNumber(s string, bits int) (uint64, error) {
	base, digits := 10, strings.TrimPrefix(s, "+")
	switch {
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	return strconv.ParseUint(digits, base, bits)
}

func parseUint(s string) (uint, error) {
	n, err := cNumber(s, 32)
	if err != nil {
		return 0, errors.New(strconv.Quote(s) + " is not a number from 0 to 4294967295")
	}
	return uint(n), nil
}

func parseID(s string) (uint32, error) {
	n, err := parseUint(s)
	return uint32(n), err
}

// showID is an id as a C int.
func showID(v uint32) string { return strconv.Itoa(int(int32(v))) }

func parseInt(s string) (int, error) {
	digits, negative := strings.CutPrefix(s, "-")
	n, err := cNumber(digits, 31)
	if err != nil || negative && strings.HasPrefix(digits, "+") {
		return 0, errors.New(strconv.Quote(s) + " is not a number")
	}
	if negative {
		return -int(n), nil
	}
	return int(n), nil
}

// defaultTmpfs is the size of /dev when lxc.autodev.tmpfs.size makes no sense.
const defaultTmpfs = 500000

func parseTmpfsSize(s string) (int, error) {
	n, err := parseInt(s)
	if err != nil {
		return defaultTmpfs, nil
	}
	return n, nil
}

// units are the suffixes of a size. A single letter counts for nothing, as in
// LXC: 8k is 8.
var units = [...]struct {
	suffix string
	shift  uint
}{{"KB", 10}, {"MB", 20}, {"GB", 30}, {"K", 0}, {"M", 0}, {"G", 0}, {"B", 0}, {"", 0}}

// parseSize reads N, NKB, NMB, NGB or auto, and rounds up to a power of two of
// at least a page, the unit of the console's ring buffer.
func parseSize(s string) (uint64, error) {
	if s == "auto" {
		return 1 << 17, nil
	}
	upper := strings.ToUpper(s)
	for _, u := range units {
		digits, ok := strings.CutSuffix(upper, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimRight(digits, " \t"), 10, 63)
		if err != nil || n > 1<<62>>u.shift {
			break
		}
		n = max(n<<u.shift, uint64(os.Getpagesize()))
		return 1 << bits.Len64(n-1), nil
	}
	return 0, errors.New(strconv.Quote(s) + ` is not a size: a number of bytes, of KB, MB or GB, or "auto"`)
}

func parseCap(s string) (string, error) {
	// A capability beyond the kernel's last needs no dropping; 63 is beyond any.
	_, err := capability.Parse(s, 63)
	return s, err
}

func parseCgroupDir(s string) (string, error) {
	switch {
	case strings.HasPrefix(s, "/"):
		return "", errors.New(strconv.Quote(s) + " is absolute: it is relative to the base of each hierarchy")
	case walksUp(s):
		return "", errors.New(strconv.Quote(s) + ` walks upwards via ".."`)
	}
	return cleanPath(s), nil
}

func parseCgroupLeaf(s string) (string, error) {
	if strings.Contains(s, "/") || s == "." || s == ".." {
		return "", errors.New(strconv.Quote(s) + " is not the name of a single directory")
	}
	return s, nil
}

func walksUp(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// parseEnviron reads NAME=VALUE, or NAME, whose value is the reader's own.
func parseEnviron(s string) (string, error) {
	if strings.Contains(s, "=") {
		return s, nil
	}
	value, ok := os.LookupEnv(s)
	if !ok {
		return "", errors.New("the environment has no " + strconv.Quote(s) + " (write NAME=VALUE to give it a value here)")
	}
	return s + "=" + value, nil
}

func parseLevel(s string) (log.Level, error) {
	if n, err := cNumber(s, 31); err == nil && n < uint64(log.NotSet) {
		return log.Level(n), nil
	}
	l := log.ParseLevel(s)
	if l == log.NotSet && !strings.EqualFold(s, l.String()) {
		return l, errors.New(strconv.Quote(s) + " is not a log level: TRACE DEBUG INFO NOTICE WARN ERROR CRIT ALERT FATAL, or 0 to 8")
	}
	return l, nil
}

// facilities are those of syslog(3).
const facilities = " daemon local0 local1 local2 local3 local4 local5 local6 local7 auth authpriv cron ftp kern lpr mail news syslog user uucp "

func parseFacility(s string) (string, error) {
	if !strings.Contains(facilities, " "+s+" ") {
		return "", errors.New(strconv.Quote(s) + " is not a syslog facility:" + strings.TrimRight(facilities, " "))
	}
	return s, nil
}

func parseHookVersion(s string) (uint, error) {
	n, err := parseUint(s)
	if err != nil || n > 1 {
		return 0, errors.New(strconv.Quote(s) + " is not a version of the hook interface: 0 (arguments) or 1 (environment)")
	}
	return n, nil
}

func parseLimit(s string) (Limit, error) {
	soft, hard, err := rlimit.Parse(s)
	return Limit{soft, hard}, err
}

func formatLimit(l Limit) string {
	if l.Soft == l.Hard {
		return rlimit.Format(l.Soft)
	}
	return rlimit.Format(l.Soft) + ":" + rlimit.Format(l.Hard)
}

func atMost(s string, n int) (string, error) {
	if len(s) > n {
		return "", errors.New(strconv.Quote(s) + " is longer than " + strconv.Itoa(n) + " bytes")
	}
	return s, nil
}

func parseProxy(s string) (string, error) {
	address, ok := strings.CutPrefix(s, "unix:")
	if !ok || address == "" || address[0] != '/' && address[0] != '@' {
		return "", errors.New(strconv.Quote(s) + " is neither unix:/PATH nor unix:@NAME")
	}
	return address, nil
}

func formatProxy(s string) string {
	if s == "" {
		return ""
	}
	return "unix:" + s
}

func showProxy(s string) string { return strings.TrimPrefix(s, "@") }
