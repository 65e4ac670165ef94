package forkexec

import (
	"bytes"
	"encoding/binary"
	"os"
	"runtime"
	"unsafe"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// marker ends the interpreter's text: the linker may pad what follows.
const marker = "\x0f\x0bGANTRY"

// interpreterAddress gives the address of interpreter's first instruction.
func interpreterAddress() unsafe.Pointer

// interpreter walks the list; it is copied, never called here.
func interpreter()

var _ = interpreter // known to the assembler alone

// interpreterText is the machine code from the interpreter's first instruction
// to the marker.
func interpreterText() []byte {
	const most = 4096
	text := unsafe.Slice((*byte)(interpreterAddress()), most)
	for i := range text {
		if i+len(marker) <= most && string(text[i+2:i+len(marker)]) == marker[2:] {
			return text[:i]
		}
	}
	panic("forkexec: the interpreter has no end")
}

// What elf(5) calls Elf64_Ehdr and Elf64_Phdr. Package debug/elf has them too,
// and brings debug/dwarf and the decompressors, which every tool would pay for
// at its start.
type (
	elfHeader struct {
		ident                    [16]byte
		kind, machine            uint16
		version                  uint32
		entry, phoff             uint64
		_                        uint64 // e_shoff
		_                        uint32 // e_flags
		ehsize, phentsize, phnum uint16
		_                        [3]uint16 // of sections
	}
	segment struct {
		kind, flags                             uint32
		off, vaddr, paddr, filesz, memsz, align uint64
	}
)

// From elf(5).
const (
	elfIdent = "\x7fELF\x02\x01\x01" // 64 bits, little-endian, version 1
	elfExec  = 2                     // ET_EXEC
	ptLoad   = 1
	ptStack  = 0x6474e551 // PT_GNU_STACK
	canRead  = 4
	canWrite = 2
	canRun   = 1
)

var machines = map[string]uint16{"amd64": 62, "arm64": 183}

// image makes the sealed memory file: ELF header, interpreter, program.
func (p *Program) image(status FD) (*os.File, error) {
	p.resolve()
	page := os.Getpagesize()
	align := func(n int) int { return (n + page - 1) &^ (page - 1) }

	text := interpreterText()
	const headers = 64 + 4*56
	textSize := headers + len(text)
	data := make([]byte, codeOffset, codeOffset+len(p.code)*64)
	binary.NativeEndian.PutUint64(data, uint64(status))
	data = append(data, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.code))), len(p.code)*int(unsafe.Sizeof(instruction{})))...)

	dataAt := align(textSize)
	memAt := dataAt + align(len(data))
	segments := []segment{
		{kind: ptLoad, flags: canRead | canRun, vaddr: textBase, filesz: uint64(textSize)},
		{kind: ptLoad, flags: canRead | canWrite, off: uint64(dataAt), vaddr: dataBase, filesz: uint64(len(data))},
		{kind: ptLoad, flags: canRead | canWrite, off: uint64(memAt), vaddr: memBase, filesz: uint64(len(p.mem))},
		// Without it the kernel would make the stack executable.
		{kind: ptStack, flags: canRead | canWrite},
	}
	ehdr := elfHeader{
		kind: elfExec, machine: machines[runtime.GOARCH], version: 1, entry: textBase + headers,
		phoff: 64, ehsize: 64, phentsize: 56, phnum: uint16(len(segments)),
	}
	copy(ehdr.ident[:], elfIdent)
	var out bytes.Buffer
	out.Grow(memAt + len(p.mem))
	out.Write(StructBytes(&ehdr))
	for i := range segments {
		s := &segments[i]
		s.paddr, s.memsz, s.align = s.vaddr, s.filesz, uint64(page)
		out.Write(StructBytes(s))
	}
	out.Write(text)
	out.Write(make([]byte, dataAt-out.Len()))
	out.Write(data)
	out.Write(make([]byte, memAt-out.Len()))
	out.Write(p.mem)
	return sealed(out.Bytes())
}

// sealed puts b into a memory file that may be executed and never written.
func sealed(b []byte) (*os.File, error) {
	// MFD_EXEC (Linux 6.3) asks for what vm.memfd_noexec = 1 would else deny;
	// older kernels do not know it.
	fd, err := unix.MemfdCreate("lxc", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate("lxc", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, sys.CallError("memfd_create (is vm.memfd_noexec 2?)", err)
	}
	f := os.NewFile(uintptr(fd), "lxc")
	if _, err := f.Write(b); err != nil {
		f.Close()
		return nil, err
	}
	if err := sys.Seal(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
