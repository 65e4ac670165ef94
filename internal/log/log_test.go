package log

import (
	"bytes"
	"regexp"
	"testing"
)

func TestFileLine(t *testing.T) {
	var file, stderr bytes.Buffer
	l := &Logger{Prog: "lxc-stop", Name: "web", File: &file, Level: Info, Stderr: &stderr}
	l.Debug("dropped")
	l.Warn("half ", "full")
	want := regexp.MustCompile(`^lxc-stop web \d{14}\.\d{3} WARN     log - log/log_test\.go:TestFileLine:\d+ - half full\n$`)
	if !want.MatchString(file.String()) {
		t.Errorf("file got %q; want %v", file.String(), want)
	}
	if stderr.Len() != 0 {
		t.Errorf("stderr got %q; want nothing below ERROR", stderr.String())
	}
}

func TestStderrLine(t *testing.T) {
	var stderr bytes.Buffer
	(&Logger{Prog: "lxc-stop", Name: "web", Stderr: &stderr}).Error("web is not running")
	if got, want := stderr.String(), "lxc-stop: web: web is not running\n"; got != want {
		t.Errorf("stderr got %q; want %q", got, want)
	}
}

func TestNilLogger(t *testing.T) {
	var l *Logger
	l.Error("into the void")
	if l.Enabled(Fatal) {
		t.Error("a nil Logger claims to be enabled")
	}
}

func TestParseLevel(t *testing.T) {
	for name, want := range map[string]Level{"debug": Debug, "ERROR": Error, "bogus": NotSet, "Trace": Trace} {
		if got := ParseLevel(name); got != want {
			t.Errorf("ParseLevel(%q) = %v; want %v", name, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"grüße\t日本":           "grüße\t日本",
		"":                    "",
		"\x1b]0;x\a\rlxc: ok": `\x1b]0;x\x07\x0dlxc: ok`,
		"a\nb\x7f":            `a\x0ab\x7f`,
		"\u009bm \x9bm":       `\xc2\x9bm \x9bm`,
		"\ufffd":              "\ufffd",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q; want %q", in, got, want)
		}
	}
}
