package lsm

import (
	"hash/fnv"
	"path/filepath"
	"strconv"
	"strings"
)

// maxName is the longest name of a profile or namespace that leaves AppArmor
// room for what it adds.
const maxName = 253 - 7

// profileName is the name of a container's own profile: lxc-NAME_<LXCPATH>.
func profileName(c Container) string { return shorten("lxc-" + c.Name + "_<" + c.LXCPath + ">") }

// namespace is the name of its policy namespace, which is a name of a
// directory too.
func namespace(c Container) string {
	return shorten(strings.ReplaceAll("lxc-"+c.Name+"_<"+c.LXCPath+">", "/", "-"))
}

// shorten replaces a name that is too long, or could not be quoted in a
// profile, by its FNV-1a hash.
func shorten(name string) string {
	if len(name) <= maxName && !strings.ContainsAny(name, "\"\\\n") {
		return name
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	digits := strconv.FormatUint(h.Sum64(), 16)
	return strings.Repeat("0", 16-len(digits)) + digits
}

// profileFile is where the text of the generated profile lies.
func profileFile(c Container) string {
	return filepath.Join(c.LXCPath, c.Name, "apparmor", namespace(c))
}

func (a appArmor) namespaceDir(c Container) string {
	return filepath.Join(a.securityfs, "policy/namespaces", namespace(c))
}

// generatedLabel is the label of the container's init: its own profile, and
// stacked on it, where the kernel can, everything of its own namespace.
func (a appArmor) generatedLabel(c Container) string {
	if !a.stack {
		return profileName(c)
	}
	return profileName(c) + "//&:" + namespace(c) + ":"
}
