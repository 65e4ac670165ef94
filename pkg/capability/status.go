package capability

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
)

// A Status is the capability sets of a thread.
type Status struct {
	Inheritable, Permitted, Effective, Bounding, Ambient Set
}

// StatusOf reads the sets of the process pid from /proc; 0 is the calling
// thread.
func StatusOf(pid int) (Status, error) {
	path := "/proc/thread-self/status"
	if pid != 0 {
		path = "/proc/" + strconv.Itoa(pid) + "/status"
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Status{}, err
	}
	s, err := parseStatus(b)
	if err != nil {
		return Status{}, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return s, nil
}

// parseStatus reads the Cap lines of proc_pid_status(5): 16 hexadecimal digits.
// CapAmb is missing before Linux 4.3.
func parseStatus(b []byte) (s Status, err error) {
	sets := map[string]*Set{
		"CapInh": &s.Inheritable, "CapPrm": &s.Permitted, "CapEff": &s.Effective, "CapBnd": &s.Bounding, "CapAmb": &s.Ambient,
	}
	found := false
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		set := sets[key]
		if set == nil {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return Status{}, errors.New(key + " is not a set: " + strconv.Quote(value))
		}
		*set = Set(n)
		found = found || key == "CapBnd"
	}
	if !found {
		return Status{}, errors.New("no CapBnd line")
	}
	return s, nil
}
