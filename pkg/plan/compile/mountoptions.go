package compile

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// A word is what an option of fstab(5) does to a mount.
type word struct {
	name  string
	attr  uint64 // MOUNT_ATTR_* bits
	super uint64 // MS_* bits of the superblock
	off   bool   // takes the bits away from the words before it
	lifts bool   // and from a bind mount, which has them of its source
}

// words are the options that become flags.
var words = []word{
	{name: "async", super: unix.MS_SYNCHRONOUS, off: true},
	{name: "atime", attr: unix.MOUNT_ATTR_NOATIME, off: true},
	{name: "dev", attr: unix.MOUNT_ATTR_NODEV, off: true, lifts: true},
	{name: "diratime", attr: unix.MOUNT_ATTR_NODIRATIME, off: true},
	{name: "dirsync", super: unix.MS_DIRSYNC},
	{name: "exec", attr: unix.MOUNT_ATTR_NOEXEC, off: true},
	{name: "lazytime", super: unix.MS_LAZYTIME},
	{name: "mand", super: unix.MS_MANDLOCK},
	{name: "noatime", attr: unix.MOUNT_ATTR_NOATIME},
	{name: "nodev", attr: unix.MOUNT_ATTR_NODEV},
	{name: "nodiratime", attr: unix.MOUNT_ATTR_NODIRATIME},
	{name: "noexec", attr: unix.MOUNT_ATTR_NOEXEC},
	{name: "nomand", super: unix.MS_MANDLOCK, off: true},
	{name: "norelatime", off: true}, // the kernel's default is relatime
	{name: "nostrictatime", attr: unix.MOUNT_ATTR_STRICTATIME, off: true},
	{name: "nosuid", attr: unix.MOUNT_ATTR_NOSUID},
	{name: "nosymfollow", attr: unix.MOUNT_ATTR_NOSYMFOLLOW},
	{name: "relatime", attr: unix.MOUNT_ATTR__ATIME, off: true, lifts: true}, // which is no bit
	{name: "ro", attr: unix.MOUNT_ATTR_RDONLY, super: unix.MS_RDONLY},
	{name: "rw", attr: unix.MOUNT_ATTR_RDONLY, super: unix.MS_RDONLY, off: true},
	{name: "strictatime", attr: unix.MOUNT_ATTR_STRICTATIME},
	{name: "suid", attr: unix.MOUNT_ATTR_NOSUID, off: true},
	{name: "sync", super: unix.MS_SYNCHRONOUS},
}

// propagations are the options that say where mounts spread.
var propagations = []struct {
	name  string
	flags uint64
}{
	{"private", unix.MS_PRIVATE},
	{"rprivate", unix.MS_PRIVATE | unix.MS_REC},
	{"rshared", unix.MS_SHARED | unix.MS_REC},
	{"rslave", unix.MS_SLAVE | unix.MS_REC},
	{"runbindable", unix.MS_UNBINDABLE | unix.MS_REC},
	{"shared", unix.MS_SHARED},
	{"slave", unix.MS_SLAVE},
	{"unbindable", unix.MS_UNBINDABLE},
}

// entryOptions is what the options of a mount entry say.
type entryOptions struct {
	plan.MountOptions
	optional, relative bool
}

// parseOptions reads the fourth field of a mount entry. What is no word of
// LXC's or of mount(8) is the file system's.
func parseOptions(field string) (o entryOptions, err error) {
	var data []string
	var undone uint64
	for option := range strings.SplitSeq(field, ",") {
		if i := slices.IndexFunc(words, func(w word) bool { return w.name == option }); i >= 0 {
			undone |= o.flag(words[i])
			continue
		}
		known, err := o.own(option)
		if err != nil {
			return o, err
		}
		if !known && !o.propagation(option) {
			data = append(data, option)
		}
	}
	o.Data = strings.Join(data, ",")
	if o.Remount {
		o.Clear |= undone &^ o.Set
	}
	if o.Bind {
		o.SuperFlags = 0
	}
	return o, nil
}

// flag takes an option of words, and gives the bits it is against.
func (o *entryOptions) flag(w word) (undone uint64) {
	if w.off {
		o.Set &^= w.attr
		o.SuperFlags &^= w.super
		if w.lifts {
			o.Clear |= w.attr
		}
		return w.attr
	}
	o.Clear &^= w.attr
	if w.attr&unix.MOUNT_ATTR__ATIME != 0 {
		// One of the values of a field, which has to be cleared (mount_setattr(2)).
		o.Set &^= unix.MOUNT_ATTR__ATIME
		o.Clear |= unix.MOUNT_ATTR__ATIME
	}
	o.Set |= w.attr
	o.SuperFlags |= w.super
	return 0
}

// propagation takes an option of propagations.
func (o *entryOptions) propagation(option string) bool {
	for _, p := range propagations {
		if p.name == option {
			o.Propagation = p.flags
			return true
		}
	}
	return false
}

// own takes an option that says what kind of mount it is, or that is LXC's own.
func (o *entryOptions) own(option string) (bool, error) {
	name, value, _ := strings.Cut(option, "=")
	switch {
	case option == "" || option == "defaults":
	case option == "bind":
		o.Bind = true
	case option == "rbind":
		o.Bind, o.Recursive = true, true
	case option == "remount":
		o.Remount = true
	case option == "move":
		o.Move = true
	case option == "optional":
		o.optional = true
	case option == "relative":
		o.relative = true
	case name == "create":
		if value != "dir" && value != "file" {
			return false, errors.New(strconv.Quote(option) + " is neither create=dir nor create=file")
		}
		o.Create = value
	case name == "idmap":
		if value != "container" && !strings.HasPrefix(value, "/") {
			return false, errors.New(strconv.Quote(option) + " is neither idmap=container nor idmap=/PATH of a user namespace")
		}
		o.IDMap = value
	default:
		return false, nil
	}
	return true, nil
}
