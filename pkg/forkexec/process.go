package forkexec

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// Kind says what the value of a [Report] is.
type Kind int32

// The kinds of reports. Further ones are the caller's.
const (
	Failed     Kind = 0 // errno of a call that ended the program
	WaitStatus Kind = 1 // of a child that ended the program, as wait4(2) gives it
	First      Kind = 8 // first number free for callers
)

// A Report is what a program tells its parent.
type Report struct {
	About About
	Kind  Kind
	Value int64
}

// A Process is a started program.
type Process struct {
	Pid     int
	Process *os.Process
	status  *os.File
	about   []About
}

// Start runs the program in a child of the calling thread. The child's signal
// mask is the one this process was started with; of the signals that were
// ignored then, HUP and INT still are: the Go runtime has taken the others.
//
// sysattr may be nil; CLONE_PARENT in its Cloneflags makes the child a
// sibling, UseCgroupFD lets it be born in a cgroup.
func (p *Program) Start(sysattr *syscall.SysProcAttr) (*Process, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, sys.CallError("pipe2", err)
	}
	r, w := os.NewFile(uintptr(pipe[0]), "status"), os.NewFile(uintptr(pipe[1]), "status")
	defer w.Close()
	status := p.File(w)
	image, err := p.image(status)
	if err != nil {
		r.Close()
		return nil, err
	}
	defer image.Close()
	// Listed among the files the image is safe from being overwritten while
	// they are put into their places.
	self := len(p.files)
	process, err := os.StartProcess("/proc/self/fd/"+strconv.Itoa(self), []string{"lxc"}, &os.ProcAttr{
		Files: append(p.files[:self:self], image), Env: []string{}, Sys: sysattr,
	})
	if err != nil {
		r.Close()
		var failed *os.PathError // of a path that says nothing
		if errors.As(err, &failed) {
			err = sys.CallError("start a child", failed.Err)
		}
		return nil, err
	}
	return &Process{Pid: process.Pid, Process: process, status: r, about: p.about}, nil
}

// Prelude starts the program: it makes every file of the child's close-on-exec
// but 0, 1 and 2, so that only what the program passes on deliberately stays.
func (p *Program) Prelude() {
	p.Call("close_range", unix.SYS_CLOSE_RANGE, Int(3), Int(^uint32(0)), Int(unix.CLOSE_RANGE_CLOEXEC))
}

// Next waits for the next report. io.EOF means that every process of the
// program has run exec or ended.
func (p *Process) Next() (Report, error) {
	var b [16]byte
	n, err := io.ReadFull(p.status, b[:])
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	if err != nil || n < len(b) {
		return Report{}, err
	}
	index := int(binary.NativeEndian.Uint32(b[0:]))
	report := Report{Kind: Kind(binary.NativeEndian.Uint32(b[4:])), Value: int64(binary.NativeEndian.Uint64(b[8:]))}
	if index < len(p.about) {
		report.About = p.about[index]
	}
	return report, nil
}

// Close closes the parent's end of the report pipe.
func (p *Process) Close() error { return p.status.Close() }

// Err is the error a Failed or WaitStatus report stands for.
func (r Report) Err() error {
	if r.Kind == WaitStatus {
		return &ExitError{r.About.Call, unix.WaitStatus(r.Value)}
	}
	return &CallError{r.About.Call, unix.Errno(r.Value)}
}

// A CallError is a failed system call of a program.
type CallError struct {
	Call  string
	Errno unix.Errno
}

// Error gives CALL: ERRNO.
func (e *CallError) Error() string { return e.Call + ": " + e.Errno.Error() }

// Unwrap gives the errno.
func (e *CallError) Unwrap() error { return e.Errno }

// An ExitError is a child of the program that did not end well.
type ExitError struct {
	What   string
	Status unix.WaitStatus
}

// Error says how it ended.
func (e *ExitError) Error() string {
	if e.Status.Signaled() {
		return e.What + " was killed by signal " + strconv.Itoa(int(e.Status.Signal()))
	}
	return e.What + " exited with status " + strconv.Itoa(e.Status.ExitStatus())
}
