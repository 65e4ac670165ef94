package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/internal/sys"
	"gantry/pkg/idmap"
	"gantry/pkg/plan"
)

// describe gives the open file to what belongs to from besides its data.
func (c *Copy) describe(from, to *os.File, st *unix.Stat_t) error {
	uid, gid, err := c.owner(st)
	if err != nil {
		return fmt.Errorf("%s: %w", from.Name(), err)
	}
	fd := int(to.Fd())
	// chown(2) drops the set-user-ID bits and the capabilities, so it goes first.
	if err := unix.Fchown(fd, uid, gid); err != nil {
		return sys.PathError("chown", from.Name(), err)
	}
	if err := unix.Fchmod(fd, st.Mode&0o7777); err != nil {
		return sys.PathError("chmod", from.Name(), err)
	}
	if err := c.attributes("/proc/self/fd/"+strconv.Itoa(int(from.Fd())), "/proc/self/fd/"+strconv.Itoa(fd), true); err != nil {
		return fmt.Errorf("%s: %w", from.Name(), err)
	}
	return sys.PathError("utimensat", from.Name(), unix.UtimesNanoAt(fd, "", []unix.Timespec{st.Atim, st.Mtim}, unix.AT_EMPTY_PATH))
}

// describeName is describe for what cannot be opened: links, devices, sockets.
func (c *Copy) describeName(from, to *os.File, name, path string, st *unix.Stat_t) error {
	uid, gid, err := c.owner(st)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fd := int(to.Fd())
	if err := unix.Fchownat(fd, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return sys.PathError("chown", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		// The entry was made a moment ago and is no symbolic link.
		if err := unix.Fchmodat(fd, name, st.Mode&0o7777, 0); err != nil {
			return sys.PathError("chmod", path, err)
		}
	}
	in := func(dir *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + name }
	if err := c.attributes(in(from), in(to), false); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return sys.PathError("utimensat", path, unix.UtimesNanoAt(fd, name, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW))
}

func (c *Copy) owner(st *unix.Stat_t) (uid, gid int, err error) {
	u, err := shift(c.IDMap, 'u', st.Uid)
	if err != nil {
		return 0, 0, err
	}
	g, err := shift(c.IDMap, 'g', st.Gid)
	return int(u), int(g), err
}

func shift(maps []plan.IDMap, kind byte, id uint32) (uint32, error) {
	if len(maps) == 0 {
		return id, nil
	}
	host, ok := idmap.ToHost(maps, kind, id)
	if !ok {
		return 0, fmt.Errorf("%cid %d has no id in lxc.idmap", kind, id)
	}
	return host, nil
}

// attributes copies extended attributes (xattr(7)). Those the target's file
// system has no room or use for are left out.
func (c *Copy) attributes(from, to string, follow bool) error {
	list, get, set := unix.Llistxattr, unix.Lgetxattr, unix.Lsetxattr
	if follow {
		list, get, set = unix.Listxattr, unix.Getxattr, unix.Setxattr
	}
	n, err := list(from, nil)
	if err != nil || n == 0 {
		return nil
	}
	names := make([]byte, n)
	if n, err = list(from, names); err != nil {
		return nil
	}
	for name := range bytes.SplitSeq(bytes.TrimSuffix(names[:n], []byte{0}), []byte{0}) {
		n, err := get(from, string(name), nil)
		if err != nil {
			continue
		}
		value := make([]byte, n)
		if n, err = get(from, string(name), value); err != nil {
			continue
		}
		if value, err = c.shiftAttribute(string(name), value[:n]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := set(to, string(name), value, 0); err != nil && err != unix.ENOTSUP && err != unix.EPERM {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// shiftAttribute translates the ids in access control lists (acl(5)) and in
// capabilities, which hold in one user namespace alone (capabilities(7)).
func (c *Copy) shiftAttribute(name string, value []byte) ([]byte, error) {
	if len(c.IDMap) == 0 {
		return value, nil
	}
	switch name {
	case "system.posix_acl_access", "system.posix_acl_default":
		// struct { u32 version }, then { u16 tag; u16 permissions; u32 id } each
		for e := 4; e+8 <= len(value); e += 8 {
			kind := map[uint16]byte{0x02: 'u', 0x08: 'g'}[binary.LittleEndian.Uint16(value[e:])] // ACL_USER, ACL_GROUP
			if kind == 0 {
				continue
			}
			id, err := shift(c.IDMap, kind, binary.LittleEndian.Uint32(value[e+4:]))
			if err != nil {
				return nil, err
			}
			binary.LittleEndian.PutUint32(value[e+4:], id)
		}
	case "security.capability":
		return shiftCapability(c.IDMap, value)
	}
	return value, nil
}

// The layout of security.capability (linux/capability.h): version 2 is a magic
// number and two pairs of sets, version 3 adds the uid of the root the sets
// hold for.
const (
	capRevisionMask = 0xff000000
	capRevision3    = 0x03000000
	capSize2        = 20
)

func shiftCapability(maps []plan.IDMap, value []byte) ([]byte, error) {
	if len(value) < capSize2 {
		return value, nil
	}
	root := uint32(0)
	if len(value) >= capSize2+4 {
		root = binary.LittleEndian.Uint32(value[capSize2:])
	}
	root, err := shift(maps, 'u', root)
	if err != nil {
		return nil, err
	}
	magic := binary.LittleEndian.Uint32(value)&^capRevisionMask | capRevision3
	out := binary.LittleEndian.AppendUint32(nil, magic)
	out = append(out, value[4:capSize2]...)
	return binary.LittleEndian.AppendUint32(out, root), nil
}
