package stage

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"

	"gantry/internal/log"
	"gantry/pkg/cgroup"
	"gantry/pkg/handover"
	"gantry/pkg/interrupt"
	"gantry/pkg/network"
)

// Finish ends a container whose init has died: network devices go back, the
// hooks of a stop run, cgroups go, and an ephemeral container is deleted. It
// is lxc-stage's work. Everything is tried; the errors come together.
func Finish(s *handover.State, files handover.Files) error {
	_, guard := interrupt.Watch() // ^C at the container's terminal is no reason to stop half way
	defer guard.Stop()
	l, err := take(s, files)
	if err != nil {
		return err
	}
	err = l.finish("stop")
	return errors.Join(err, l.try(l.perish()))
}

// Restart ends a container whose init has asked for a reboot and starts it
// again. The new init is the shim's child, and control is where the shim waits
// for it. A post-stop hook that fails forbids the reboot. One that does not come
// about is the container's end, as is one that a signal ends: the shim sends it
// when the container shall stop.
func Restart(s *handover.State, files handover.Files, control *os.File) error {
	ctx, guard := interrupt.Watch()
	defer guard.Stop()
	l, err := take(s, files)
	if err != nil {
		return err
	}
	if err := l.finish("reboot"); err != nil {
		return errors.Join(err, l.try(l.perish()))
	}
	err = l.again(ctx, guard, control)
	if err != nil {
		l.Log.Error("cannot reboot: ", err.Error())
	}
	return err
}

// again starts the container's next life, as a child of the shim.
func (l *life) again(ctx context.Context, guard *interrupt.Guard, control *os.File) error {
	next := life{plan: l.plan, Options: l.Options, ctx: ctx, mask: l.mask, null: l.null, cgroups: l.cgroups, files: handover.Files{}}
	for _, name := range []string{handover.Stage, handover.Peer} {
		if f := l.files[name]; f != nil {
			next.files[name] = f
		}
	}
	r := &run{life: next, guard: guard, sibling: true, control: control}
	defer r.open.Run()
	defer r.undo.Run()
	if err := r.start("LXC_TARGET=reboot"); err != nil {
		return r.abort(err)
	}
	r.undo.Release()
	return nil
}

// take takes over the life the shim lends.
func take(s *handover.State, files handover.Files) (l *life, err error) {
	text := make([]byte, s.Plan.Len)
	if _, err = files[handover.Record].ReadAt(text, s.Plan.At); err != nil {
		return nil, err
	}
	var was saved
	if err = json.Unmarshal(text, &was); err != nil {
		return nil, err
	}
	l = &life{plan: was.Plan, ctx: context.Background(), mask: was.Mask, files: files, facts: []string{pidFact(s.InitPid)}, live: was.Live, Options: Options{
		Prog: s.Prog, Environ: was.Environ, Answers: was.Answers, PidFile: was.PidFile, MonitorFifo: was.Fifo,
		Log:    &log.Logger{Prog: s.Prog, Name: s.Name, Level: log.Level(s.LogLevel), Syslog: log.NewSyslog(s.Syslog)},
		Syslog: s.Syslog,
	}}
	if f := files[handover.Log]; f != nil {
		l.LogFile, l.Log.File = f, f
	}
	for i := 1; files[handover.Activation+strconv.Itoa(i)] != nil; i++ {
		l.Listen = append(l.Listen, files[handover.Activation+strconv.Itoa(i)])
	}
	if s.Foreground {
		l.Log.Stderr = os.Stderr
	}
	for _, e := range was.Environ {
		// Programs are found where the tool that started the container found them.
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			os.Setenv("PATH", path)
		}
	}
	l.cgroups, err = cgroup.Parse(s.Cgroup)
	return l, errors.Join(err, l.openNull())
}

// finish takes the old life of the container down; target is stop or reboot.
// Everything is tried and problems are logged. The error is one that forbids a
// reboot: of a post-stop hook, or of cgroups that cannot be made anew.
func (l *life) finish(target string) error {
	paths := l.namespacePaths()
	l.facts = append(l.facts, pathEnv(paths)...)
	env := l.env("LXC_TARGET=" + target)
	if netns := l.files[handover.Namespace+"net"]; netns != nil {
		l.try(network.Teardown(l.live, netns, l.script, l.Log))
	}
	l.try(l.hooks("stop", env, pathArgs(paths)...))
	err := l.try(l.cgroups.RemovePayload(killLimit))
	if err == nil {
		// A policy stays as long as a process may be under it.
		l.try(l.unload())
	}
	return errors.Join(err, l.try(l.hooks("post-stop", env)))
}

// try logs the error of a step that does not keep the others from being taken.
func (l *life) try(err error) error {
	if err != nil {
		l.Log.Error(err.Error())
	}
	return err
}
