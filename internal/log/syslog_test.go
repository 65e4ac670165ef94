package log

import (
	"net"
	"os"
	"regexp"
	"testing"
)

func TestSyslog(t *testing.T) {
	path := t.TempDir() + "/log"
	s := NewSyslog("local3")
	s.path = path
	l := &Logger{Prog: "lxc-start", Name: "web", Level: Info, Syslog: s}
	l.Info("nobody listens")
	for range 2 { // the second time syslogd has been restarted
		daemon, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		l.Debug("dropped")
		l.Warn("half ", "full")
		b := make([]byte, 1000)
		n, err := daemon.Read(b)
		want := regexp.MustCompile(`^<156>\w{3} [ \d]\d \d\d:\d\d:\d\d lxc-start\[\d+\]: web WARN log - log/syslog_test\.go:TestSyslog:\d+ - half full$`)
		if err != nil || !want.Match(b[:n]) {
			t.Errorf("syslog got %q, %v; want %v", b[:n], err, want)
		}
		daemon.Close()
		os.Remove(path)
	}
	if NewSyslog("nope") != nil {
		t.Error(`NewSyslog("nope") is a log; want nil`)
	}
}
