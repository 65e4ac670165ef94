package forkexec

import (
	"bytes"
	"debug/elf"
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

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

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
	segments := []elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: textBase, Filesz: uint64(textSize), Memsz: uint64(textSize)},
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: uint64(dataAt), Vaddr: dataBase, Filesz: uint64(len(data)), Memsz: uint64(len(data))},
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: uint64(memAt), Vaddr: memBase, Filesz: uint64(len(p.mem)), Memsz: uint64(len(p.mem))},
		// Without PT_GNU_STACK the kernel would make the stack executable.
		{Type: uint32(elf.PT_GNU_STACK), Flags: uint32(elf.PF_R | elf.PF_W)},
	}
	var out bytes.Buffer
	ehdr := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machines[runtime.GOARCH]), Version: 1, Entry: textBase + headers,
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(segments)),
	}
	copy(ehdr.Ident[:], elf.ELFMAG)
	ehdr.Ident[elf.EI_CLASS], ehdr.Ident[elf.EI_DATA], ehdr.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	out.Write(unsafe.Slice((*byte)(unsafe.Pointer(&ehdr)), unsafe.Sizeof(ehdr)))
	for i := range segments {
		segments[i].Paddr, segments[i].Align = segments[i].Vaddr, uint64(page)
		out.Write(unsafe.Slice((*byte)(unsafe.Pointer(&segments[i])), unsafe.Sizeof(segments[i])))
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
