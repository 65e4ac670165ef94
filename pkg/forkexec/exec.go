package forkexec

import "golang.org/x/sys/unix"

// Try is Exec of a path that may fail: the program then goes on.
func (p *Program) Try(argv, env []string) {
	p.Call("execute "+argv[0], unix.SYS_EXECVE, p.String(argv[0]), p.Strings(argv), p.Strings(env)).May()
}

// ExecFD replaces the process by the program behind fd.
func (p *Program) ExecFD(what string, fd Arg, argv, env []string) {
	p.Call("execute "+what, unix.SYS_EXECVEAT, fd, p.String(""), p.Strings(argv), p.Strings(env), Int(unix.AT_EMPTY_PATH))
}

// Fork goes on in a child at the label it returns, which the caller places;
// the parent goes on with the next call, the child's pid in pid.
func (p *Program) Fork(pid Reg, flags uint64) (child Label) {
	child = p.Label()
	p.Clone(pid, CloneArgs{Flags: flags, ExitSignal: uint64(unix.SIGCHLD)})
	p.JumpIfZero(pid, child)
	return child
}

// CloneArgs is the kernel's struct clone_args (clone(2)).
type CloneArgs struct {
	Flags, PidFD, ChildTID, ParentTID, ExitSignal, Stack, StackSize, TLS, SetTID, SetTIDSize, Cgroup uint64
}

// Clone calls clone3(2); pid is 0 in the child.
func (p *Program) Clone(pid Reg, args CloneArgs) Call {
	return p.Call("clone3", unix.SYS_CLONE3, Struct(p, &args), Int(88)).Into(pid)
}

// Run executes a program in a child and waits for it. A status other than 0 is
// reported as WaitStatus and ends the program. Prepare, if not nil, appends
// calls for the child before its exec.
func (p *Program) Run(what string, argv, env []string, prepare func()) {
	p.Scope(func() {
		pid, code, fine := p.Reg(), p.Reg(), p.Label()
		status := p.Bytes(make([]byte, 8))
		child := p.Fork(pid, 0)
		p.Call("wait for "+what, unix.SYS_WAIT4, pid, status, Int(0), Int(0))
		p.Load32(code, status)
		p.JumpIfZero(code, fine)
		p.Fail(what, WaitStatus, code)
		p.Place(child)
		if prepare != nil {
			prepare()
		}
		p.Call("execute "+argv[0], unix.SYS_EXECVE, p.String(argv[0]), p.Strings(argv), p.Strings(env))
		p.Place(fine)
	})
}

// Credentials sets the groups, group and user, in the order that keeps the
// right to set the next. Nil groups are left alone.
func (p *Program) Credentials(uid, gid uint32, groups []uint32) {
	if groups != nil {
		p.Call("setgroups", unix.SYS_SETGROUPS, Int(len(groups)), GroupsOf(p, groups))
	}
	p.Call("setgid", unix.SYS_SETRESGID, Int(gid), Int(gid), Int(gid))
	p.Call("setuid", unix.SYS_SETRESUID, Int(uid), Int(uid), Int(uid))
}

// GroupsOf puts a list of groups into the child's memory.
func GroupsOf(p *Program, groups []uint32) Ptr {
	b := make([]byte, 0, 4*len(groups))
	for _, g := range groups {
		b = append(b, StructBytes(&g)...)
	}
	return p.Bytes(b)
}

// LoadFilter loads a seccomp program (seccomp(2)). Its result is the listener,
// if flags ask for one.
func (p *Program) LoadFilter(filter []unix.SockFilter, flags int) Call {
	var code []byte
	for i := range filter {
		code = append(code, StructBytes(&filter[i])...)
	}
	program := struct {
		length uint64 // of which the kernel reads the first two bytes
		filter uint64
	}{uint64(len(filter)), uint64(p.Bytes(code))}
	return p.Call("load the seccomp filter", unix.SYS_SECCOMP, Int(unix.SECCOMP_SET_MODE_FILTER), Int(flags), Struct(p, &program))
}

// PassListener sends the listener a LoadFilter gave over a unix socket, and keeps
// neither.
func (p *Program) PassListener(load Call, socket FD) {
	p.Scope(func() {
		listener := p.Reg()
		load.Into(listener)
		p.SendFDs(socket, p.KeepFD(listener))
		p.Close(listener)
		p.Close(socket)
	})
}

// SignalMask sets the blocked signals: bit N-1 is signal N.
func (p *Program) SignalMask(mask uint64) {
	p.Call("sigprocmask", unix.SYS_RT_SIGPROCMASK, Int(unix.SIG_SETMASK), Struct(p, &mask), Int(0), Int(8))
}
