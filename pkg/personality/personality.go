// Package personality knows the execution domains (personality(2)) by the
// architecture names of lxc.arch and of lxc-attach's --arch.
package personality

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// The two execution domains of Linux programs.
const (
	Linux   int64 = 0x0000 // PER_LINUX
	Linux32 int64 = 0x0008 // PER_LINUX32: uname(2) tells of a 32-bit machine
)

// names has every architecture name of each domain. It need not be this
// machine's: it only says how wide a machine the programs are to see.
var names = [...]struct {
	persona int64
	arches  string
}{
	{Linux32, "arm armel armhf armv7l athlon i386 i486 i586 i686 linux32 mips mipsel ppc powerpc x32 x86"},
	{Linux, "aarch64 amd64 arm64 linux64 loong64 loongarch64 mips64 mips64el ppc64 ppc64el ppc64le powerpc64 " +
		"riscv64 s390x x86_64"},
}

// Parse gives the persona of an architecture's name.
func Parse(arch string) (int64, error) {
	var known []string
	for _, n := range names {
		list := strings.Fields(n.arches)
		if slices.Contains(list, arch) {
			return n.persona, nil
		}
		known = append(known, list...)
	}
	return -1, errors.New(strconv.Quote(arch) + " is not an architecture (one of " + strings.Join(known, " ") + ")")
}

// Name is the name LXC prints for a persona: x86_64 for Linux, i686 for
// Linux32, on whatever machine; empty for any other.
func Name(persona int64) string {
	switch persona {
	case Linux:
		return "x86_64"
	case Linux32:
		return "i686"
	}
	return ""
}
