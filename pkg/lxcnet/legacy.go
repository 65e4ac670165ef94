package lxcnet

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The questions iptables-legacy asks of the kernel, and where in the answers
// things are (linux/netfilter_ipv4/ip_tables.h, netfilter/x_tables.h).
const (
	iptGetInfo    = 64
	iptGetEntries = 65

	infoSize        = 84 // struct ipt_getinfo
	infoUnderflow   = 56 // underflow[5]
	infoEntriesSize = 80 // size
	entriesHead     = 40 // struct ipt_get_entries up to the entries
	entryTarget     = 88 // target_offset of struct ipt_entry
	targetVerdict   = 32 // verdict of struct xt_standard_target
	verdictDrop     = -1 // -NF_DROP-1
	hookForward     = 2  // NF_INET_FORWARD
)

// dockerUser is the chain in which docker keeps the user's own rules.
const dockerUser = "DOCKER-USER"

// legacyForward says whether the FORWARD chain of iptables-legacy has the
// policy DROP and no rule mentions the bridge, and which chain to put one in. A
// kernel whose iptables was never used is not asked: asking would load it.
func legacyForward(bridge string) (chain string, drops bool) {
	names, err := os.ReadFile("/proc/thread-self/net/ip_tables_names")
	if err != nil || !slices.Contains(strings.Fields(string(names)), "filter") {
		return "", false
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	info := make([]byte, infoSize)
	copy(info, "filter")
	if !getsockopt(fd, iptGetInfo, info) {
		return "", false
	}
	size := binary.NativeEndian.Uint32(info[infoEntriesSize:])
	entries := make([]byte, entriesHead+size)
	copy(entries, "filter")
	binary.NativeEndian.PutUint32(entries[32:], size)
	if !getsockopt(fd, iptGetEntries, entries) {
		return "", false
	}
	policy := binary.NativeEndian.Uint32(info[infoUnderflow+4*hookForward:])
	chain = "FORWARD"
	if bytes.Contains(entries, []byte(dockerUser+"\x00")) {
		chain = dockerUser
	}
	return chain, verdict(entries[entriesHead:], policy) == verdictDrop && !bytes.Contains(entries, padded(bridge))
}

// verdict reads what the entry at an offset, a chain's policy, decides; 0 for
// an answer that makes no sense.
func verdict(entries []byte, offset uint32) int32 {
	if uint64(offset)+entryTarget+2 > uint64(len(entries)) {
		return 0
	}
	entry := entries[offset:]
	target := int(binary.NativeEndian.Uint16(entry[entryTarget:]))
	if target+targetVerdict+4 > len(entry) {
		return 0
	}
	return int32(binary.NativeEndian.Uint32(entry[target+targetVerdict:]))
}

// getsockopt asks for a structure that carries part of the question.
func getsockopt(fd, option int, value []byte) bool {
	size := uint32(len(value))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_IP, uintptr(option),
		uintptr(unsafe.Pointer(&value[0])), uintptr(unsafe.Pointer(&size)), 0)
	return errno == 0
}
