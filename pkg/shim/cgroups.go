package shim

import (
	"errors"
	"os"

	"gantry/pkg/cgroup"
	"gantry/pkg/command"
	"golang.org/x/sys/unix"
)

// invalid is the answer when there is no such cgroup.
func invalid() answer { return answer{Response: command.Fail(unix.EINVAL)} }

func (s *shim) getCgroup(_ *client, r *command.Request) answer {
	return s.cgroupPath(r.Text(), s.cgroups.Payload)
}

func (s *shim) getLimitCgroup(_ *client, r *command.Request) answer {
	return s.cgroupPath(r.Text(), s.cgroups.Limit)
}

// cgroupPath answers with the path of a cgroup relative to its mount. Without
// a controller it is that of the first hierarchy.
func (s *shim) cgroupPath(controller, rel string) answer {
	h, ok := s.cgroups.Find(controller)
	if !ok && controller == "" && len(s.cgroups.Hierarchies) > 0 {
		h, ok = s.cgroups.Hierarchies[0], true
	}
	if !ok {
		return invalid()
	}
	return answer{Response: command.Text(h.Path(rel))}
}

func (s *shim) getCgroup2FD(*client, *command.Request) answer {
	return s.unifiedDir(s.cgroups.Payload)
}

func (s *shim) getLimitCgroup2FD(*client, *command.Request) answer {
	return s.unifiedDir(s.cgroups.Limit)
}

func (s *shim) unifiedDir(rel string) answer {
	h, ok := s.cgroups.Unified()
	if !ok {
		return invalid()
	}
	return s.withDir(h, rel, func(int) command.Response { return command.Done() })
}

func (s *shim) getCgroupFD(_ *client, r *command.Request) answer {
	return s.controllerDir(r, s.cgroups.Payload)
}

func (s *shim) getLimitCgroupFD(_ *client, r *command.Request) answer {
	return s.controllerDir(r, s.cgroups.Limit)
}

// controllerDir answers with the directory of a controller's cgroup.
func (s *shim) controllerDir(r *command.Request, rel string) answer {
	ask, err := command.ParseCgroupFD(r.Payload)
	if err != nil {
		return invalid()
	}
	h, ok := s.cgroups.Find(ask.Controller)
	if !ok {
		return invalid()
	}
	return s.withDir(h, rel, func(fd int) command.Response {
		kind := command.CgroupV1
		if h.Version == 2 {
			kind = command.CgroupV2
		}
		return command.Struct(command.CgroupFD{
			Layout: command.Layout(s.cgroups.Layout), Utilities: s.cgroups.Utilities(),
			Type: kind, FD: int32(fd), Controller: ask.Controller,
		}.Append(nil), r)
	})
}

// withDir opens a cgroup for one answer.
func (s *shim) withDir(h cgroup.Hierarchy, rel string, respond func(fd int) command.Response) answer {
	dir, err := cgroup.Open(h.Dir(rel))
	if err != nil {
		return answer{Response: command.Fail(unix.ENOENT)}
	}
	fd := int(dir.Fd())
	return answer{Response: respond(fd), fds: []int{fd}, close: []*os.File{dir}}
}

// getCgroupCtx answers with the directories an attaching process has to enter.
func (s *shim) getCgroupCtx(_ *client, r *command.Request) answer {
	if _, err := command.ParseCgroupCtx(r.Payload); err != nil {
		return invalid()
	}
	ctx := command.CgroupCtx{Layout: command.Layout(s.cgroups.Layout), Utilities: s.cgroups.Utilities()}
	var a answer
	for _, h := range s.cgroups.Hierarchies {
		dir, err := cgroup.Open(h.Dir(s.cgroups.Payload))
		if err != nil {
			continue
		}
		a.close = append(a.close, dir)
		a.fds = append(a.fds, int(dir.Fd()))
		ctx.FDs = append(ctx.FDs, int32(dir.Fd()))
	}
	a.Response = command.Struct(ctx.Append(nil), r)
	return a
}

// errnoOf finds the errno in an error; EIO stands for one without.
func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return unix.EIO
}
