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
	"gantry/pkg/network"
	"gantry/pkg/storage"
)

// Finish ends a container whose init has died: network devices go back, the
// hooks of a stop run, cgroups go, and an ephemeral container is deleted. It
// is lxc-stage's work. Everything is tried; the errors come together.
func Finish(s *handover.State, files handover.Files) error {
	r, err := take(s, files)
	if err != nil {
		return err
	}
	err = r.finish("stop")
	return errors.Join(err, r.try(r.perish()))
}

// Restart ends a container whose init has asked for a reboot and starts it
// again. The new init is the shim's child, and control is where the shim waits
// for it. A post-stop hook that fails forbids the reboot. One that does not come
// about is the container's end.
func Restart(s *handover.State, files handover.Files, control *os.File) error {
	r, err := take(s, files)
	if err != nil {
		return err
	}
	if err := r.finish("reboot"); err != nil {
		return errors.Join(err, r.try(r.perish()))
	}
	err = r.again(files, control)
	if err != nil {
		r.Log.Error("cannot reboot: ", err.Error())
	}
	return err
}

// again starts the container anew, as the shim's child.
func (r *run) again(files handover.Files, control *os.File) error {
	again := &run{ctx: r.ctx, plan: r.plan, Options: r.Options, mask: r.mask, sibling: true, control: control, files: handover.Files{}, over: make(chan struct{})}
	again.cgroup.set, again.in.Null = r.cgroup.set, r.in.Null
	for _, name := range []string{handover.Stage, handover.Peer} {
		if f := files[name]; f != nil {
			again.files[name] = f
		}
	}
	defer again.open.Run()
	defer again.undo.Run()
	if err := again.start("LXC_TARGET=reboot"); err != nil {
		return again.abort(err)
	}
	again.undo.Release()
	return nil
}

// take makes a run of what the shim lends.
func take(s *handover.State, files handover.Files) (r *run, err error) {
	text := make([]byte, s.Plan.Len)
	if _, err = files[handover.Record].ReadAt(text, s.Plan.At); err != nil {
		return nil, err
	}
	var was saved
	if err = json.Unmarshal(text, &was); err != nil {
		return nil, err
	}
	r = &run{ctx: context.Background(), plan: was.Plan, live: was.Live, files: files, Options: Options{
		Prog: s.Prog, Environ: was.Environ, Answers: was.Answers, PidFile: was.PidFile,
		Log:    &log.Logger{Prog: s.Prog, Name: s.Name, Level: log.Level(s.LogLevel), Syslog: log.NewSyslog(s.Syslog)},
		Syslog: s.Syslog,
	}}
	if f := files[handover.Log]; f != nil {
		r.LogFile, r.Log.File = f, f
	}
	for i := 1; files[handover.Activation+strconv.Itoa(i)] != nil; i++ {
		r.Listen = append(r.Listen, files[handover.Activation+strconv.Itoa(i)])
	}
	if s.Foreground {
		r.Log.Stderr = os.Stderr
	}
	for _, e := range was.Environ {
		// Programs are found where the tool that started the container found them.
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			os.Setenv("PATH", path)
		}
	}
	r.mask, r.MonitorFifo, r.pid = was.Mask, was.Fifo, s.InitPid
	r.cgroup.set, err = cgroup.Parse(s.Cgroup)
	return r, errors.Join(err, r.openNull())
}

// finish takes the old life of the container down; target is stop or reboot.
// Everything is tried and problems are logged. The error is one that forbids a
// reboot: of a post-stop hook, or of cgroups that cannot be made anew.
func (r *run) finish(target string) error {
	paths := r.namespacePaths()
	r.facts = pathEnv(paths)
	env := r.env("LXC_TARGET=" + target)
	if netns := r.files[handover.Namespace+"net"]; netns != nil {
		r.try(network.Teardown(r.live, netns, r.script, r.Log))
	}
	r.try(r.hooks("stop", env, pathArgs(paths)...))
	err := r.try(r.cgroup.set.RemovePayload(killLimit))
	if err == nil {
		// A policy stays as long as a process may be under it.
		r.try(r.unload())
	}
	return errors.Join(err, r.try(r.hooks("post-stop", env)))
}

// try logs the error of a step that does not keep the others from being taken.
func (r *run) try(err error) error {
	if err != nil {
		r.Log.Error(err.Error())
	}
	return err
}

// perish deletes an ephemeral container after the end of its last life, or
// what would have been its first.
func (r *run) perish() error {
	if !r.plan.Ephemeral {
		return nil
	}
	rootfs := storage.Rootfs{Type: r.plan.Rootfs.Type, Path: r.plan.Rootfs.Path}
	return storage.Container{LXCPath: r.plan.LXCPath, Name: r.plan.Name, Rootfs: rootfs}.Destroy()
}

// nsPath is where a hook finds a namespace of the ended container.
type nsPath struct{ kind, path string }

// namespacePaths are the descriptors this process was lent; it outlives the
// hooks it runs.
func (r *run) namespacePaths() (paths []nsPath) {
	for _, ns := range r.plan.Namespaces {
		if f := r.files[handover.Namespace+ns.Kind]; f != nil {
			paths = append(paths, nsPath{ns.Kind, "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(f.Fd()))})
		}
	}
	return paths
}

// pathEnv is how every hook is told: LXC_NET_NS=/proc/PID/fd/N.
func pathEnv(paths []nsPath) (env []string) {
	for _, p := range paths {
		env = append(env, "LXC_"+strings.ToUpper(p.kind)+"_NS="+p.path)
	}
	return env
}

// pathArgs is how hooks of version 0 are told besides: net:/proc/PID/fd/N.
func pathArgs(paths []nsPath) (args []string) {
	for _, p := range paths {
		args = append(args, p.kind+":"+p.path)
	}
	return args
}
