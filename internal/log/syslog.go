package log

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// facilities are those of syslog(3); a name's index is its number. A map would
// be made at the start of every program.
var facilities = [...]string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	16: "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// severities are syslog's for the levels from Trace on.
var severities = [...]int{Trace: 7, Debug: 7, Info: 6, Notice: 5, Warn: 4, Error: 3, Crit: 2, Alert: 1, Fatal: 0, NotSet: 7}

// A Syslog sends lines to the system's log. It connects when it has something
// to say, and again when the other side has been restarted; while nobody
// listens lines are lost, as with syslog(3).
type Syslog struct {
	facility int
	path     string // of the socket
	mu       sync.Mutex
	conn     int // -1 while there is none
}

// NewSyslog gives the log of a facility such as "daemon"; nil for a name that
// is none.
func NewSyslog(facility string) *Syslog {
	number := slices.Index(facilities[:], facility)
	if number < 0 || facility == "" {
		return nil
	}
	return &Syslog{facility: number, path: "/dev/log", conn: -1}
}

func (s *Syslog) send(level Level, prog, message string, now time.Time) {
	line := "<" + strconv.Itoa(s.facility<<3|severities[level]) + ">" + now.Format(time.Stamp) + " " +
		prog + "[" + strconv.Itoa(os.Getpid()) + "]: " + message
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 2 {
		if s.conn < 0 && !s.connect() {
			return
		}
		if _, err := unix.Write(s.conn, []byte(line)); err == nil || err == unix.EAGAIN {
			return
		}
		unix.Close(s.conn)
		s.conn = -1
	}
}

// connect never waits for a syslogd that does not keep up.
func (s *Syslog) connect() bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	if unix.Connect(fd, &unix.SockaddrUnix{Name: s.path}) != nil {
		unix.Close(fd)
		return false
	}
	s.conn = fd
	return true
}
