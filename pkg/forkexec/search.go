package forkexec

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Execute is the kind of the report that announces the exec that ends the
// program.
const Execute Kind = 2

// shell runs scripts that do not say what runs them.
const shell = "/bin/sh"

// Exec replaces the process by a program, as execvp(3) does: a name without a
// slash is looked for along the PATH of env, an empty directory there being the
// current one, and a file that is no program is a script of the shell's.
func (p *Program) Exec(argv, env []string) {
	what := "execute " + argv[0]
	args, environ := p.Strings(argv), p.Strings(env)
	script := p.Strings(append([]string{shell, argv[0]}, argv[1:]...))
	files := p.Strings(filesOf(argv[0], env))
	p.Report("execute", Execute, Int(0))
	p.Scope(func() {
		at, file, errno, denied := p.Reg(), p.Reg(), p.Reg(), p.Reg()
		next, failed, deny, run, none, last := p.Label(), p.Label(), p.Label(), p.Label(), p.Label(), p.Label()
		p.Set(at, files)
		p.Set(denied, Int(0))

		p.Place(next)
		p.Load32(file, at)
		p.JumpIfZero(file, none)
		p.Subtract(at, at, Int(-8))
		p.Call(what, unix.SYS_EXECVE, file, args, environ).Into(errno).Else(failed)
		p.Place(failed)
		for _, is := range []struct {
			errno unix.Errno
			then  Label
		}{
			{unix.ENOENT, next}, {unix.ENOTDIR, next}, {unix.ENODEV, next}, {unix.ESTALE, next}, {unix.ETIMEDOUT, next},
			{unix.EACCES, deny}, {unix.ENOEXEC, run},
		} {
			p.JumpIfEqual(errno, Int(is.errno), is.then)
		}
		p.Fail(what, Failed, errno)

		p.Place(deny) // remembered in case there is nothing better
		p.Set(denied, errno)
		p.Jump(next)

		p.Place(run)
		p.Store32(script+8, file)
		p.Call(what, unix.SYS_EXECVE, p.String(shell), script, environ).May()
		p.Fail(what, Failed, errno)

		p.Place(none)
		p.JumpIfZero(denied, last)
		p.Fail(what, Failed, denied)
		p.Place(last)
		p.Fail(what, Failed, errno)
	})
}

// filesOf are the files a command's name may stand for.
func filesOf(name string, env []string) (files []string) {
	if name == "" || strings.Contains(name, "/") {
		return []string{name}
	}
	path := "/bin:/usr/bin" // where execvp(3) looks without a PATH
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			path = value
			break
		}
	}
	for dir := range strings.SplitSeq(path, ":") {
		if dir != "" {
			dir += "/"
		}
		files = append(files, dir+name)
	}
	return files
}
