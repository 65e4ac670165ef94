package device

import (
	"errors"
	"os"
	"unsafe"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// The kernel's union bpf_attr, one structure for each call (bpf(2),
// linux/bpf.h).
type (
	loadAttr struct {
		kind, count   uint32
		code, license unsafe.Pointer
		_             [2]uint32 // log_level, log_size
		_             uint64    // log_buf
		_             [2]uint32 // kern_version, prog_flags
		name          [unix.BPF_OBJ_NAME_LEN]byte
	}
	attachAttr struct{ target, program, kind, flags, replaced uint32 }
	queryAttr  struct {
		target, kind uint32
		_            [2]uint32 // query_flags, attach_flags
		ids          unsafe.Pointer
		count        uint32
	}
	idAttr struct {
		id uint32
		_  [2]uint32 // next_id, open_flags
	}
	infoAttr struct {
		program, size uint32
		info          unsafe.Pointer
	}
	// programInfo is the beginning of struct bpf_prog_info.
	programInfo struct {
		_    [64]byte
		name [unix.BPF_OBJ_NAME_LEN]byte
	}
)

// maxPrograms is how many programs the kernel lets hang on one cgroup
// (BPF_CGROUP_MAX_PROGS).
const maxPrograms = 64

// bpf makes one bpf(2) call.
func bpf[T any](what string, command uintptr, attr *T) (uintptr, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		switch errno {
		case 0:
			return r, nil
		case unix.EINTR, unix.EAGAIN: // the verifier was interrupted
		default:
			return 0, sys.CallError(what, errno)
		}
	}
}

func bpfFile[T any](what string, command uintptr, attr *T) (*os.File, error) {
	fd, err := bpf(what, command, attr)
	if err != nil {
		return nil, err
	}
	return os.NewFile(fd, what), nil
}

// load gives a program to the kernel. Before Linux 5.11 its memory counts as
// locked memory.
func load(code []instruction) (*os.File, error) {
	license := []byte("Apache-2.0\x00")
	attr := loadAttr{
		kind: unix.BPF_PROG_TYPE_CGROUP_DEVICE, count: uint32(len(code)),
		code: unsafe.Pointer(&code[0]), license: unsafe.Pointer(&license[0]),
	}
	copy(attr.name[:], programName)
	program, err := bpfFile("bpf program load", unix.BPF_PROG_LOAD, &attr)
	if errors.Is(err, unix.EPERM) {
		unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
		if unix.Prlimit(0, unix.RLIMIT_MEMLOCK, &unlimited, nil) == nil {
			program, err = bpfFile("bpf program load", unix.BPF_PROG_LOAD, &attr)
		}
	}
	return program, err
}

// attachProgram lets a program decide about a cgroup, in place of old if that is
// not nil.
func attachProgram(dir, program, old *os.File) error {
	attr := attachAttr{
		target: uint32(dir.Fd()), program: uint32(program.Fd()),
		kind: unix.BPF_CGROUP_DEVICE, flags: unix.BPF_F_ALLOW_MULTI,
	}
	if old != nil {
		attr.flags |= unix.BPF_F_REPLACE
		attr.replaced = uint32(old.Fd())
	}
	_, err := bpf("bpf program attach", unix.BPF_PROG_ATTACH, &attr)
	return err
}

// query gives the ids of the programs that decide about a cgroup's devices.
func query(dir *os.File) ([]uint32, error) {
	ids := make([]uint32, maxPrograms)
	attr := queryAttr{target: uint32(dir.Fd()), kind: unix.BPF_CGROUP_DEVICE, ids: unsafe.Pointer(&ids[0]), count: maxPrograms}
	if _, err := bpf("bpf program query", unix.BPF_PROG_QUERY, &attr); err != nil {
		return nil, err
	}
	return ids[:min(attr.count, maxPrograms)], nil
}

// byID opens a program. The caller owns it.
func byID(id uint32) (*os.File, error) {
	return bpfFile("bpf program by id", unix.BPF_PROG_GET_FD_BY_ID, &idAttr{id: id})
}

// nameOf gives the name a program was loaded with.
func nameOf(program *os.File) (string, error) {
	var info programInfo
	attr := infoAttr{program: uint32(program.Fd()), size: uint32(unsafe.Sizeof(info)), info: unsafe.Pointer(&info)}
	if _, err := bpf("bpf program info", unix.BPF_OBJ_GET_INFO_BY_FD, &attr); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(info.name[:]), nil
}
