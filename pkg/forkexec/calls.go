package forkexec

import (
	"path"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cwd stands for the directory a relative path begins at.
const cwd = Int(unix.AT_FDCWD)

// Open opens a path of the child's own root; flags get O_CLOEXEC.
func (p *Program) Open(name string, flags int, mode uint32) Call {
	return p.OpenAt(cwd, name, flags, mode)
}

// OpenAt opens name beside the directory dir. It follows symbolic links
// wherever they lead: name must be a single component that is ours.
func (p *Program) OpenAt(dir Arg, name string, flags int, mode uint32) Call {
	return p.Call("open "+name, unix.SYS_OPENAT, dir, p.String(name), Int(flags|unix.O_CLOEXEC), Int(mode))
}

// OpenIn opens name beneath root as sys.OpenIn does.
func (p *Program) OpenIn(root Arg, name string, flags int, mode uint32) Call {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Mode:    uint64(mode),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	return p.Call("open "+name, unix.SYS_OPENAT2, root, p.String(name), Struct(p, &how), Int(unix.SizeofOpenHow))
}

// Close closes a descriptor.
func (p *Program) Close(fd Arg) {
	if f, ok := fd.(FD); ok {
		p.closed[f] = true
	}
	p.Call("close", unix.SYS_CLOSE, fd)
}

// CloseFiles closes the files the program was given so far, but 0, 1, 2 and
// those in keep. Of those that an earlier call has closed, the numbers may be
// in use again: they are left alone.
func (p *Program) CloseFiles(keep ...FD) {
	for i := 3; i < len(p.files); i++ {
		if f := FD(i); p.files[i] != nil && !p.closed[f] && !slices.Contains(keep, f) {
			p.Close(f)
		}
	}
}

// Mkdir makes the directory name and its missing parents beneath root and
// leaves an O_PATH descriptor of it in dir.
func (p *Program) Mkdir(dir Reg, root Arg, name string, mode uint32) {
	name = path.Clean("/" + name)
	const how = unix.O_PATH | unix.O_DIRECTORY
	found, missing := p.Label(), p.Label()
	p.OpenIn(root, name, how, 0).On(unix.ENOENT, missing).Into(dir)
	p.Jump(found)
	p.Place(missing)
	p.OpenIn(root, "/", how, 0).Into(dir)
	at := ""
	for part := range strings.SplitSeq(name[1:], "/") {
		at += "/" + part
		p.Call("mkdir "+at, unix.SYS_MKDIRAT, dir, p.String(part), Int(mode)).Tolerate(unix.EEXIST)
		p.Close(dir)
		p.OpenIn(root, at, how, 0).Into(dir)
	}
	p.Place(found)
}

// Create makes the empty regular file name beneath root, with missing parents
// of mode 0755; one that is there already stays as it is.
func (p *Program) Create(root Arg, name string, mode uint32) {
	p.Scope(func() {
		dir, base := path.Split(path.Clean("/" + name))
		d := p.Reg()
		p.Mkdir(d, root, dir, 0o755)
		p.Call("create "+name, unix.SYS_MKNODAT, d, p.String(base), Int(unix.S_IFREG|mode), Int(0)).Tolerate(unix.EEXIST)
		p.Close(d)
	})
}

// RequireFS fails with ENODEV unless fd lies on the file system
// whose magic number is given (statfs(2)).
func (p *Program) RequireFS(what string, fd Arg, magic int64) {
	p.Scope(func() {
		fs := p.Bytes(make([]byte, unsafe.Sizeof(unix.Statfs_t{})))
		kind, same := p.Reg(), p.Label()
		p.Call("fstatfs "+what, unix.SYS_FSTATFS, fd, fs)
		p.Load32(kind, fs) // f_type comes first
		p.JumpIfEqual(kind, Int(magic), same)
		if p.fallback >= 0 {
			p.Jump(p.fallback)
		}
		p.Fail(what, Failed, Int(unix.ENODEV))
		p.Place(same)
	})
}

// WriteFile writes value into name beneath root; flags are added to O_WRONLY.
func (p *Program) WriteFile(root Arg, name, value string, flags int, mode uint32) {
	p.Scope(func() {
		f := p.Reg()
		p.OpenIn(root, name, unix.O_WRONLY|unix.O_NOCTTY|flags, mode).Into(f)
		p.Write(f, name, value)
		p.Close(f)
	})
}

// Write writes value to fd; what names it in an error.
func (p *Program) Write(fd Arg, what, value string) {
	p.Call("write "+what, unix.SYS_WRITE, fd, p.String(value), Int(len(value)))
}

// Prctl calls prctl(2).
func (p *Program) Prctl(what string, option int, args ...Arg) Call {
	return p.Call(what, unix.SYS_PRCTL, append([]Arg{Int(option)}, args...)...)
}

// Dup3 makes to a copy of from.
func (p *Program) Dup3(from Arg, to int) { p.Dup3Flags(from, to, 0) }

// Dup3Flags is Dup3 with O_CLOEXEC or 0.
func (p *Program) Dup3Flags(from Arg, to, flags int) {
	p.Call("dup3", unix.SYS_DUP3, from, Int(to), Int(flags)).Tolerate(unix.EINVAL) // already the same
}

// Keep lets a descriptor pass the next exec.
func (p *Program) Keep(fd Arg) { p.Call("fcntl", unix.SYS_FCNTL, fd, Int(unix.F_SETFD), Int(0)) }

// Exit ends the process.
func (p *Program) Exit(code int) { p.Call("exit_group", unix.SYS_EXIT_GROUP, Int(code)) }

// Barrier waits for one byte on fd; when the parent has gone instead, the
// process ends.
func (p *Program) Barrier(fd Arg) {
	p.Scope(func() {
		n, gone, on := p.Reg(), p.Label(), p.Label()
		p.Call("wait for set-up", unix.SYS_READ, fd, p.Bytes(make([]byte, 8)), Int(1)).Into(n)
		p.JumpIfZero(n, gone)
		p.Jump(on)
		p.Place(gone)
		p.Exit(1)
		p.Place(on)
	})
}

// Setns joins namespaces: kinds is 0 for whatever fd refers to, or the
// CLONE_NEW* bits to take from the process behind a pidfd (setns(2)).
func (p *Program) Setns(what string, fd Arg, kinds int) Call {
	return p.Call("setns "+what, unix.SYS_SETNS, fd, Int(kinds))
}

// KeepFD notes a descriptor in the program's memory, where SendFDs finds it:
// there are too few registers for many of them.
func (p *Program) KeepFD(fd Arg) Ptr {
	at := p.Bytes(make([]byte, 4))
	p.Store32(at, fd)
	return at
}

// SendFDs sends descriptors that KeepFD has noted in one message of a byte over
// a unix socket.
func (p *Program) SendFDs(socket Arg, fds ...Ptr) {
	control := make([]byte, unix.CmsgSpace(4*len(fds)))
	header := unix.Cmsghdr{Level: unix.SOL_SOCKET, Type: unix.SCM_RIGHTS}
	header.SetLen(unix.CmsgLen(4 * len(fds)))
	copy(control, StructBytes(&header))
	at := p.Bytes(control)
	p.Scope(func() {
		fd := p.Reg()
		for i, kept := range fds {
			p.Load32(fd, kept)
			p.Store32(at+Ptr(unix.CmsgLen(0)+4*i), fd)
		}
	})
	iov := struct{ base, length uint64 }{uint64(p.String("x")), 1}
	message := struct {
		name, nameLen, iov, iovLen, control, controlLen, flags uint64
	}{iov: uint64(Struct(p, &iov)), iovLen: 1, control: uint64(at), controlLen: uint64(len(control))}
	p.Call("sendmsg", unix.SYS_SENDMSG, socket, Struct(p, &message), Int(unix.MSG_NOSIGNAL))
}
