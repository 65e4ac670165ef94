package stage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gantry/internal/log"
	"gantry/internal/sys"
	"gantry/pkg/forkexec"
	"gantry/pkg/handover"
	"gantry/pkg/plan"
	"gantry/pkg/stage/child"
	"golang.org/x/sys/unix"
)

// newborn is the container's first process on its way from its birth to its
// exec, and what set-up hears of it.
type newborn struct {
	log     *log.Logger
	steps   []plan.Step
	program *child.Program
	process *forkexec.Process // the launcher, which gives birth to it

	barrier  *os.File      // our end
	socket   *os.File      // our end: descriptors from the child
	last     func() string // last line the child's hooks wrote; waits for their end
	reports  chan forkexec.Report
	arrived  chan struct{} // has one when the child waits for "go"
	executed bool

	pid   int
	pidfd *os.File
}

// launcherEnded looks at the launcher, which may be the child of somebody else.
func (n *newborn) launcherEnded() (ended bool) {
	n.process.Process.WithHandle(func(pidfd uintptr) {
		ready, _ := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
		ended = ready > 0
	})
	return ended
}

// read passes the reports of the child on until there are no more.
func (n *newborn) read() {
	defer close(n.reports)
	for {
		report, err := n.process.Next()
		if err != nil {
			if err != io.EOF {
				n.log.Warn("report pipe: ", err.Error())
			}
			return
		}
		n.reports <- report
	}
}

// note takes a report in; its error is the child's.
func (n *newborn) note(report forkexec.Report) error {
	switch report.Kind {
	case forkexec.Failed, forkexec.WaitStatus:
		return n.explain(report)
	case forkexec.Execute:
		n.executed = true
	case child.Arrived:
		select {
		case n.arrived <- struct{}{}:
		default: // once is enough; root inside can write into the pipe, too
		}
	}
	return nil
}

// explain makes the error of a failed step: the line of the configuration, the
// call, and what can be done about it.
func (n *newborn) explain(report forkexec.Report) error {
	err := report.Err()
	if report.Kind == forkexec.WaitStatus {
		if line := n.last(); line != "" {
			err = fmt.Errorf("%w: %s", err, line)
		}
	}
	var s plan.Step
	if i := report.About.Step; i >= 0 && i < len(n.steps) {
		s = n.steps[i]
	}
	if hint := hintFor(s, err); hint != "" {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	if report.About.Origin != "" {
		err = fmt.Errorf("%s: %w", report.About.Origin, err)
	}
	return err
}

// cause is why work on the child has failed: because of what the child itself
// fails with, if it does. One that has ended has no namespaces left.
func (n *newborn) cause(err error) error {
	const patience = 20 * time.Millisecond // the child says so before it ends
	if err == nil {
		return nil
	}
	for {
		select {
		case report, ok := <-n.reports:
			if !ok {
				return n.untimely()
			}
			if err := n.note(report); err != nil {
				return err
			}
		case <-time.After(patience):
			return err
		}
	}
}

// untimely is the error of a child that ended at a barrier: its own, if it
// could still report it.
func (n *newborn) untimely() error {
	for report := range n.reports {
		if err := n.note(report); err != nil {
			return err
		}
	}
	return errors.New("the init was killed while it was being set up")
}

// receive takes the descriptors the child has sent.
func (n *newborn) receive() (sent handover.Files, err error) {
	if len(n.program.Sends) == 0 {
		return nil, nil
	}
	got, fds, err := sys.Receive(int(n.socket.Fd()), make([]byte, 1))
	if err != nil {
		return nil, err
	}
	if got == 0 || len(fds) != len(n.program.Sends) {
		sys.CloseAll(fds)
		return nil, errors.New("the init did not hand its terminals over")
	}
	sent = handover.Files{}
	for i, name := range n.program.Sends {
		sent[name] = os.NewFile(uintptr(fds[i]), name)
	}
	return sent, nil
}
