package stage

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"gantry/internal/log"
	"gantry/internal/sys"
	"gantry/pkg/handover"
	"gantry/pkg/namespace"
	"gantry/pkg/network"
	"gantry/pkg/plan"
	"gantry/pkg/stage/child"
	"golang.org/x/sys/unix"
)

// saved is the part of the record that the shim keeps, unread, for the next
// lxc-stage.
type saved struct {
	Plan    *plan.Plan
	Environ []string
	Answers []Answer
	Live    []network.Live
	PidFile string
	Mask    uint64
	Fifo    string
}

// handOver gives the running container to its shim. Who started the shim need
// not wait for it: what is in the socket is the shim's, and so is every request
// in the backlog of the command socket. Lxc-stage waits, because its own end is
// news to the shim as well.
func (r *run) handOver() error {
	if err := r.passCalls(); err != nil {
		return err
	}
	state, err := r.state()
	if err != nil {
		return err
	}
	if r.control == nil {
		// This process will be the shim: it hands the container to itself.
		if r.shimEnd, r.control, err = r.socketPair(); err != nil {
			return err
		}
	}
	if err := r.writePid(); err != nil {
		return err
	}
	if err := handover.Send(r.control, state, r.files); err != nil {
		return err
	}
	if !r.sibling {
		return nil
	}
	if n, err := r.control.Read(make([]byte, 1)); n == 0 {
		return fmt.Errorf("the monitor died: %w", err)
	}
	return nil
}

// state says what the shim must know.
func (r *run) state() (*handover.State, error) {
	memory, answers, planned, err := r.write()
	if err != nil {
		return nil, err
	}
	r.give(handover.Record, memory)
	if err := r.passFiles(); err != nil {
		return nil, err
	}
	c := r.plan.Console
	s := &handover.State{
		Prog: r.Prog, Name: r.plan.Name, LXCPath: r.plan.LXCPath,
		InitPid: r.pid, StopSignal: r.plan.StopSignal, Foreground: !r.plan.Daemon,
		Finish:      r.finishes(),
		ConsoleSize: c.LogSize, ConsoleRotate: c.LogRotate, ConsoleBuffer: c.BufferSize,
		PidFile: r.PidFile, LogLevel: int(log.NotSet), Syslog: r.Syslog, MonitorFifo: r.MonitorFifo, SignalMask: r.mask,
		Decider: r.plan.Seccomp.Proxy, Cookie: r.plan.Seccomp.Cookie,
		Cgroup:  r.cgroups.Lines(),
		Answers: answers, Plan: planned,
	}
	if r.Log != nil {
		s.LogLevel = int(r.Log.Level)
	}
	for _, ns := range r.plan.Namespaces {
		if k, ok := namespace.ByName(ns.Kind); ok && ns.Share == "" {
			s.CloneFlags |= k.Flag
		}
	}
	return s, nil
}

// write puts the record into a sealed memory file.
func (r *run) write() (f *os.File, answers, planned handover.Extent, err error) {
	facts := network.Facts(r.live)
	values := map[string]string{}
	keys := make([]string, 0, len(r.Answers))
	for _, a := range r.Answers {
		keys = append(keys, a.Key)
		values[a.Key] = a.Value
	}
	for key, value := range facts {
		if _, known := values[key]; !known {
			keys = append(keys, key)
		}
		values[key] = value
	}
	table := handover.EncodeAnswers(keys, func(key string) string { return values[key] })
	text, err := json.Marshal(saved{r.plan, r.Environ, r.Answers, r.live, r.PidFile, r.mask, r.MonitorFifo})
	if err != nil {
		return nil, answers, planned, err
	}
	if f, err = sys.MemFD("record"); err != nil {
		return nil, answers, planned, err
	}
	_, err = f.Write(append(table, text...))
	if err == nil {
		err = sys.Seal(f)
	}
	return f, handover.Extent{Len: int64(len(table))}, handover.Extent{At: int64(len(table)), Len: int64(len(text))}, err
}

// passFiles adds what the shim gets besides pty masters and the pidfd.
func (r *run) passFiles() error {
	if r.LogFile != nil {
		r.files[handover.Log] = r.LogFile
	}
	for i, f := range r.Listen {
		r.files[handover.Activation+strconv.Itoa(i+1)] = f
	}
	if r.files[handover.Stage] == nil {
		f, err := os.OpenFile(r.Stage, unix.O_PATH, 0)
		if err != nil {
			return fmt.Errorf("%w (is Gantry installed whole?)", err)
		}
		r.give(handover.Stage, f)
	}
	return nil
}

// keepNamespaces holds the container's namespaces. They end with the init
// unless somebody does; hooks and the return of devices want them afterwards.
// Unless it has settled, standing before its exec, the init has only those it
// was born with.
func (r *run) keepNamespaces(settled bool) error {
	for _, ns := range r.plan.Namespaces {
		name := handover.Namespace + ns.Kind
		born := ns.Share == "" && ns.Kind != "cgroup" && ns.Kind != "time"
		if r.files[name] != nil || !settled && !born {
			continue
		}
		f, err := namespace.Open(r.pid, ns.Kind)
		if err != nil {
			return err
		}
		r.give(name, f)
	}
	return nil
}

// writePid fills the pid file with the pid of the monitor.
func (r *run) writePid() error {
	if r.PidFile == "" || r.sibling {
		return nil
	}
	return os.WriteFile(r.PidFile, []byte(strconv.Itoa(r.monitor())), 0o600)
}

// becomeShim replaces this process, which has handed the container to itself.
func (r *run) becomeShim() error {
	if _, err := unix.FcntlInt(r.shimEnd.Fd(), unix.F_SETFD, 0); err != nil {
		return sys.CallError("fcntl", err)
	}
	r.control.Close()
	var mask unix.Sigset_t
	mask.Val[0] = child.ShimMask
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil); err != nil {
		return sys.CallError("sigprocmask", err)
	}
	env := append([]string{handover.Env + strconv.Itoa(int(r.shimEnd.Fd()))}, shimEnv...)
	return sys.PathError("execute", r.Shim, unix.Exec(r.Shim, r.Argv, env))
}
