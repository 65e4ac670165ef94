package forkexec

import "golang.org/x/sys/unix"

// A MountAttr is what mount_setattr(2) changes.
type MountAttr struct {
	Set, Clear, Propagation uint64
	UserNS                  Arg // a descriptor, with MOUNT_ATTR_IDMAP in Set; nil for none
}

// CloneMount makes a detached copy of the mount at name, beside the directory
// dir, with those below it when recursive (open_tree(2)).
func (p *Program) CloneMount(dir Arg, name string, recursive bool) Call {
	return p.openTree(name, dir, name, 0, recursive)
}

// CloneMountOf is CloneMount of fd itself; what names it in an error.
func (p *Program) CloneMountOf(what string, fd Arg, recursive bool) Call {
	return p.openTree(what, fd, "", unix.AT_EMPTY_PATH, recursive)
}

func (p *Program) openTree(what string, fd Arg, name string, flags int, recursive bool) Call {
	flags |= unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return p.Call("open_tree "+what, unix.SYS_OPEN_TREE, fd, p.String(name), Int(flags))
}

// SetMountAttr changes the mount fd refers to, or with recursive those below
// it as well. It appends nothing for an empty a.
func (p *Program) SetMountAttr(what string, fd Arg, a MountAttr, recursive bool) {
	if a == (MountAttr{}) {
		return
	}
	flags := unix.AT_EMPTY_PATH
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	attr := unix.MountAttr{Attr_set: a.Set, Attr_clr: a.Clear, Propagation: a.Propagation}
	at := Struct(p, &attr)
	if a.UserNS != nil {
		p.Store32(at+24, a.UserNS)
	}
	p.Call("mount_setattr "+what, unix.SYS_MOUNT_SETATTR, fd, p.String(""), Int(flags), at, Int(32))
}

// MoveMount attaches the detached mount fd to target.
func (p *Program) MoveMount(what string, fd, target Arg) Call {
	return p.Call("mount "+what, unix.SYS_MOVE_MOUNT, fd, p.String(""), target, p.String(""),
		Int(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
}

// A FSOption is one option of a file system; a value of "" makes it a flag.
type FSOption struct{ Key, Value string }

// NewMount makes a detached mount of a file system in m (fsopen(2)). Attrs are
// MOUNT_ATTR_* bits.
func (p *Program) NewMount(m Reg, fstype string, options []FSOption, attrs uint64) {
	p.Scope(func() {
		fs := p.Reg()
		p.Call("fsopen "+fstype, unix.SYS_FSOPEN, p.String(fstype), Int(unix.FSOPEN_CLOEXEC)).Into(fs)
		p.Configure(fs, fstype, options)
		p.Call("mount a new "+fstype, unix.SYS_FSCONFIG, fs, Int(unix.FSCONFIG_CMD_CREATE), Int(0), Int(0), Int(0))
		p.Call("fsmount "+fstype, unix.SYS_FSMOUNT, fs, Int(unix.FSMOUNT_CLOEXEC), Int(attrs)).Into(m)
		p.Close(fs)
	})
}

// Configure sets options of the file system context fs (fsconfig(2)).
func (p *Program) Configure(fs Reg, fstype string, options []FSOption) {
	for _, o := range options {
		what := fstype + " option " + o.Key
		if o.Value == "" {
			p.Call(what, unix.SYS_FSCONFIG, fs, Int(unix.FSCONFIG_SET_FLAG), p.String(o.Key), Int(0), Int(0))
			continue
		}
		p.Call(what, unix.SYS_FSCONFIG, fs, Int(unix.FSCONFIG_SET_STRING), p.String(o.Key), p.String(o.Value), Int(0))
	}
}
