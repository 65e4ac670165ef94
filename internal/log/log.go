// Package log writes LXC's log lines.
//
// A file line reads `PROG NAME YYYYMMDDhhmmss.mmm PRIO CATEGORY - FILE:FUNC:LINE
// - MESSAGE` in UTC, a line on standard error `PROG: NAME: MESSAGE`. The
// package is linked into the shim, so it does without fmt: a message is the
// concatenation of its parts.
package log

import (
	"io"
	"path"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Level is a priority of LXC's log. Lower is chattier.
type Level int

// The levels, with the numbers lxc.log.level takes.
const (
	Trace Level = iota
	Debug
	Info
	Notice
	Warn
	Error
	Crit
	Alert
	Fatal
	NotSet
)

var names = [...]string{"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "CRIT", "ALERT", "FATAL", "NOTSET"}

// String gives the upper-case name.
func (l Level) String() string {
	if l < 0 || int(l) >= len(names) {
		return "NOTSET"
	}
	return names[l]
}

// ParseLevel reads a name in any case. An unknown name is NotSet, which lets
// everything through, as in LXC.
func ParseLevel(name string) Level {
	for i, n := range names {
		if strings.EqualFold(n, name) {
			return Level(i)
		}
	}
	return NotSet
}

// A Logger is the place where lines go. A nil Logger drops them. Its methods
// may be called at the same time from several goroutines when File and Stderr
// take whole lines in one Write, as files do.
type Logger struct {
	Prog   string    // lxc-start
	Name   string    // container; empty for none
	File   io.Writer // lines of Level and above; nil for none
	Level  Level
	Syslog *Syslog   // lines of Level and above; nil for none
	Stderr io.Writer // lines of Error and above; nil for none
}

// Trace, and the methods like it, write one line made of the parts.
func (l *Logger) Trace(parts ...string) { l.write(Trace, parts) }

// Debug writes a line of level DEBUG.
func (l *Logger) Debug(parts ...string) { l.write(Debug, parts) }

// Info writes a line of level INFO.
func (l *Logger) Info(parts ...string) { l.write(Info, parts) }

// Warn writes a line of level WARN.
func (l *Logger) Warn(parts ...string) { l.write(Warn, parts) }

// Error writes a line of level ERROR, on standard error too.
func (l *Logger) Error(parts ...string) { l.write(Error, parts) }

// Enabled says whether a line of this level goes anywhere.
func (l *Logger) Enabled(level Level) bool {
	return l != nil && (l.kept(level) || l.Stderr != nil && level >= Error)
}

// kept says whether a line goes to the file or to syslog.
func (l *Logger) kept(level Level) bool {
	return (l.File != nil || l.Syslog != nil) && (level >= l.Level || l.Level == NotSet)
}

func (l *Logger) write(level Level, parts []string) {
	if !l.Enabled(level) {
		return
	}
	message := printable(strings.Join(parts, ""))
	if l.Stderr != nil && level >= Error {
		io.WriteString(l.Stderr, l.Prefix()+message+"\n")
	}
	if !l.kept(level) {
		return
	}
	now, place := time.Now(), caller()
	if l.File != nil {
		io.WriteString(l.File, l.line(level, place, message, now))
	}
	if l.Syslog != nil {
		l.Syslog.send(level, l.Prog, l.Name+" "+level.String()+" "+place+" - "+message, now)
	}
}

// printable writes out, as \x1b, what a terminal would obey or a reader take for
// the next line: a message may quote names and words from inside a container.
func printable(s string) string {
	var b strings.Builder
	done := 0 // what is in b already
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError && n == 1 {
			b.WriteString(s[done:i])
			for _, c := range []byte(s[i : i+n]) {
				b.WriteString(`\x`)
				b.WriteByte(hex[c>>4])
				b.WriteByte(hex[c&15])
			}
			done = i + n
		}
		i += n
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

const hex = "0123456789abcdef"

// Prefix is what a line on standard error begins with: `PROG: NAME: `.
func (l *Logger) Prefix() string {
	if l.Name == "" {
		return l.Prog + ": "
	}
	return l.Prog + ": " + l.Name + ": "
}

func (l *Logger) line(level Level, place, message string, now time.Time) string {
	who := l.Prog
	if l.Name != "" {
		who += " " + l.Name
	}
	prio := level.String()
	return who + " " + now.UTC().Format("20060102150405.000") + " " + prio + strings.Repeat(" ", max(8-len(prio), 0)) +
		" " + place + " - " + message + "\n"
}

// caller finds the function that called the Logger's method, as `CATEGORY -
// FILE:FUNC:LINE`.
func caller() string {
	pc, file, n, ok := runtime.Caller(3)
	if !ok {
		return "? - ?:?:0"
	}
	function := runtime.FuncForPC(pc).Name()
	function = function[strings.LastIndexByte(function, '/')+1:]
	_, function, _ = strings.Cut(function, ".")
	// Two elements of the path are enough to find the file.
	dir, base := path.Split(file)
	category := path.Base(dir)
	return category + " - " + path.Join(category, base) + ":" + function + ":" + strconv.Itoa(n)
}
