package lxcnet

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	iptSetReplace = 64
	replaceHead   = 96 // struct ipt_replace up to the entries
	countersSize  = 16 // struct xt_counters
)

// dropForward is `iptables-legacy -P FORWARD DROP` by system calls, and says
// whether the kernel has the old tables.
func dropForward(t *testing.T) bool {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	info := make([]byte, infoSize)
	copy(info, "filter")
	if !getsockopt(fd, iptGetInfo, info) {
		return false
	}
	count := binary.NativeEndian.Uint32(info[infoEntriesSize-4:])
	size := binary.NativeEndian.Uint32(info[infoEntriesSize:])
	entries := make([]byte, entriesHead+size)
	copy(entries, "filter")
	binary.NativeEndian.PutUint32(entries[32:], size)
	if !getsockopt(fd, iptGetEntries, entries) {
		t.Fatal("no entries")
	}
	counters := make([]byte, count*countersSize)
	replace := make([]byte, replaceHead+size)
	copy(replace, info[:infoEntriesSize-4]) // name, valid_hooks, hook_entry, underflow stand alike, but for the counts
	put := func(at int, v uint32) { binary.NativeEndian.PutUint32(replace[at:], v) }
	// name[32] valid_hooks num_entries size hook_entry[5] underflow[5] num_counters counters*
	put(36, count)
	put(40, size)
	copy(replace[44:84], info[36:76])
	put(84, count)
	binary.NativeEndian.PutUint64(replace[88:], uint64(uintptr(unsafe.Pointer(&counters[0]))))
	copy(replace[replaceHead:], entries[entriesHead:])
	policy := binary.NativeEndian.Uint32(info[infoUnderflow+4*hookForward:])
	entry := replace[replaceHead+policy:]
	target := binary.NativeEndian.Uint16(entry[entryTarget:])
	drop := int32(verdictDrop)
	binary.NativeEndian.PutUint32(entry[target+targetVerdict:], uint32(drop))
	if _, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_IP, iptSetReplace,
		uintptr(unsafe.Pointer(&replace[0])), uintptr(len(replace)), 0); errno != 0 {
		t.Fatal("replacing the table: ", errno)
	}
	return true
}

func TestLegacyForward(t *testing.T) {
	onHost(t)
	if _, drops := legacyForward("lxcbr0"); drops {
		t.Error("legacyForward = true in a new namespace; want false")
	}
	want := dropForward(t)
	if chain, got := legacyForward("lxcbr0"); got != want || want && chain != "FORWARD" {
		t.Errorf("legacyForward = %s, %v; want FORWARD, %v", chain, got, want)
	}
	t.Logf("this kernel has iptables-legacy: %v", want)
}

func TestVerdictOfNonsense(t *testing.T) {
	for _, entries := range [][]byte{nil, make([]byte, 89), make([]byte, 90), append(make([]byte, 88), 255, 255, 0, 0)} {
		if got := verdict(entries, 0); got != 0 {
			t.Errorf("verdict of %d bytes = %d; want 0", len(entries), got)
		}
	}
	if got := verdict(make([]byte, 200), 1<<32-1); got != 0 {
		t.Errorf("verdict far out = %d; want 0", got)
	}
}
