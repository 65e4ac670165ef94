// Package handover carries a container between the processes that look after
// it: set-up gives it to the shim, the shim lends it to lxc-stage for a reboot
// or an ending and gets it back.
//
// A container that is handed over is one message on a unix socket: a [State]
// as lines of text, and descriptors with names. Bulky things that the shim
// only passes on or looks up now and then lie in a sealed memory file, the
// record; the state says where in it.
//
//	set-up ──State, record, init, listen, console, tty1 ...──> shim
//	shim ──the same──> lxc-stage ──a new State for a new init, or nothing──> shim
//
// The package links nothing that the shim could not afford.
package handover

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"gantry/internal/sys"
)

// Env, followed by the number of the socket, is how a started shim or
// lxc-stage is told where it will be handed a container.
const Env = "LXC_HANDOVER_FD="

// Names of descriptors. TTY and Activation are followed by a number from 1,
// Namespace by a kind.
const (
	Record     = "record"  // the sealed memory file
	Init       = "init"    // pidfd of the init
	Listen     = "listen"  // the command socket
	Console    = "console" // master of the console's pty
	ConsoleLog = "console-log"
	Peer       = "peer"   // the terminal the console is shown on
	Devpts     = "devpts" // mount of the container's devpts
	Log        = "log"    // where log lines go
	Stage      = "stage"  // the program lxc-stage
	Pin        = "pin"    // a file of the rootfs that nobody reads
	Calls      = "calls"  // the listener of a seccomp filter that notifies
	Proxy      = "proxy"  // a connection to who decides those calls
	TTY        = "tty"    // masters of /dev/ttyN
	Activation = "activation-"
	Namespace  = "ns-"
)

// A State is what the shim has to know of its container.
type State struct {
	Prog    string // the starting tool: comm of the shim, first word of log lines
	Name    string
	LXCPath string

	InitPid    int
	CloneFlags uint64 // CLONE_NEW* that were made for the container
	StopSignal int

	Foreground bool
	Finish     bool // lxc-stage has work to do when the container ends
	Starting   bool // lxc-stage is asked for a reboot, not for an ending

	ConsoleSize   uint64 // of the log file, in bytes; 0 is no limit
	ConsoleRotate bool
	ConsoleBuffer uint64
	PidFile       string
	LogLevel      int
	Syslog        string // facility of syslog(3) that lines go to as well
	MonitorFifo   string // where lxc-monitord listens
	Decider       string // address of who decides system calls the filter notifies of; empty for none
	Cookie        string // what it is told
	SignalMask    uint64 // of the caller, for hooks and later inits: bit N-1 is signal N

	Cgroup []string // lines of package cgroup

	Answers, Plan Extent // in the record
}

// An Extent is a part of the record.
type Extent struct{ At, Len int64 }

// field is a line of the text form: its name, and how its value is written
// and read.
type field struct {
	name string
	get  func(*State) string
	set  func(*State, string) error
}

func text(name string, at func(*State) *string) field {
	return field{name, func(s *State) string { return *at(s) }, func(s *State, v string) error { *at(s) = v; return nil }}
}

func number[T int | int64 | uint64](name string, at func(*State) *T) field {
	return field{name,
		func(s *State) string { return strconv.FormatInt(int64(*at(s)), 10) },
		func(s *State, v string) error {
			n, err := strconv.ParseInt(v, 10, 64)
			*at(s) = T(n)
			return err
		}}
}

func truth(name string, at func(*State) *bool) field {
	return field{name, func(s *State) string { return strconv.FormatBool(*at(s)) }, func(s *State, v string) (err error) {
		*at(s), err = strconv.ParseBool(v)
		return err
	}}
}

func fields() []field {
	return []field{
		text("prog", func(s *State) *string { return &s.Prog }),
		text("name", func(s *State) *string { return &s.Name }),
		text("lxcpath", func(s *State) *string { return &s.LXCPath }),
		number("init", func(s *State) *int { return &s.InitPid }),
		number("clone-flags", func(s *State) *uint64 { return &s.CloneFlags }),
		number("stop-signal", func(s *State) *int { return &s.StopSignal }),
		truth("foreground", func(s *State) *bool { return &s.Foreground }),
		truth("finish", func(s *State) *bool { return &s.Finish }),
		truth("starting", func(s *State) *bool { return &s.Starting }),
		number("console-size", func(s *State) *uint64 { return &s.ConsoleSize }),
		truth("console-rotate", func(s *State) *bool { return &s.ConsoleRotate }),
		number("console-buffer", func(s *State) *uint64 { return &s.ConsoleBuffer }),
		text("pidfile", func(s *State) *string { return &s.PidFile }),
		text("monitor-fifo", func(s *State) *string { return &s.MonitorFifo }),
		text("decider", func(s *State) *string { return &s.Decider }),
		text("cookie", func(s *State) *string { return &s.Cookie }),
		number("signal-mask", func(s *State) *uint64 { return &s.SignalMask }),
		number("log-level", func(s *State) *int { return &s.LogLevel }),
		text("syslog", func(s *State) *string { return &s.Syslog }),
		{"cgroup", func(s *State) string { return strings.Join(s.Cgroup, "\n") }, func(s *State, v string) error {
			if v != "" {
				s.Cgroup = strings.Split(v, "\n")
			}
			return nil
		}},
		number("answers-at", func(s *State) *int64 { return &s.Answers.At }),
		number("answers-len", func(s *State) *int64 { return &s.Answers.Len }),
		number("plan-at", func(s *State) *int64 { return &s.Plan.At }),
		number("plan-len", func(s *State) *int64 { return &s.Plan.Len }),
	}
}

// Files are descriptors by name.
type Files map[string]*os.File

// Close closes all files.
func (f Files) Close() {
	for _, file := range f {
		file.Close()
	}
}

// maxMessage bounds the text of a state, in bytes.
const maxMessage = 1 << 16

// Send writes the state and copies of the files to the socket.
func Send(socket *os.File, s *State, files Files) error {
	var names []string
	var fds []int
	for name, f := range files {
		names = append(names, name)
		fds = append(fds, int(f.Fd()))
	}
	b := encode(s, names)
	if len(b) > maxMessage {
		return errors.New("handover: state of " + strconv.Itoa(len(b)) + " bytes is too long")
	}
	return sys.CallError("handover", sys.Send(int(socket.Fd()), b, fds...))
}

// ErrNothing is the end of file where a container was expected: the other side
// has gone, or has nothing to give.
var ErrNothing = errors.New("handover: nothing was handed over")

// Receive reads a state and its files, which the caller owns.
func Receive(socket *os.File) (*State, Files, error) {
	// A buffer for the longest would stay with the shim for good.
	n, err := sys.NextLen(int(socket.Fd()))
	if err != nil {
		return nil, nil, err
	}
	b := make([]byte, min(n, maxMessage))
	n, fds, err := sys.Receive(int(socket.Fd()), b)
	if err != nil {
		return nil, nil, err
	}
	if n == 0 {
		return nil, nil, ErrNothing
	}
	s, names, err := decode(string(b[:n]))
	if err == nil && len(names) != len(fds) {
		err = errors.New("handover: " + strconv.Itoa(len(fds)) + " descriptors for " + strconv.Itoa(len(names)) + " names")
	}
	if err != nil {
		sys.CloseAll(fds)
		return nil, nil, err
	}
	files := Files{}
	for i, name := range names {
		files[name] = os.NewFile(uintptr(fds[i]), name)
	}
	return s, files, nil
}

// encode writes `NAME "VALUE"` lines, and a line `fd "NAME"` per descriptor in
// their order.
func encode(s *State, names []string) []byte {
	var b []byte
	line := func(name, value string) {
		b = append(b, name...)
		b = append(b, ' ')
		b = strconv.AppendQuote(b, value)
		b = append(b, '\n')
	}
	for _, f := range fields() {
		line(f.name, f.get(s))
	}
	for _, name := range names {
		line("fd", name)
	}
	return b
}

func decode(text string) (*State, []string, error) {
	s, names, all := new(State), []string{}, fields()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		name, quoted, _ := strings.Cut(line, " ")
		value, err := strconv.Unquote(quoted)
		if name == "fd" && err == nil {
			names = append(names, value)
			continue
		}
		i := slices.IndexFunc(all, func(f field) bool { return f.name == name })
		if err == nil && i < 0 {
			err = errors.New("unknown field")
		}
		if err == nil {
			err = all[i].set(s, value)
		}
		if err != nil {
			return nil, nil, errors.New("handover: " + line + ": " + err.Error())
		}
	}
	return s, names, nil
}
