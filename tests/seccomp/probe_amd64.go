package seccomp

import (
	"bytes"
	"encoding/binary"
	"unsafe"
)

// probe is the machine code of the container's init (probe_amd64.s). It is
// copied, never called here.
func probe()

var _ = probe // known to the assembler alone

// probeAddress gives the address of its first instruction.
func probeAddress() unsafe.Pointer

// Where the probe has its text, its own data, and the path of its table in that.
const (
	probeText = 0x10000000
	probeData = 0x20000000
	probePath = 0x40
)

// program is an ELF file that holds the probe.
func program() []byte {
	text := unsafe.Slice((*byte)(probeAddress()), 4096)
	end := bytes.Index(text, []byte("\x0f\x0bENDED"))
	handler := bytes.Index(text, []byte("\x0f\x0bTRAP")) + len("\x0f\x0bTRAP")
	text = text[:end]

	const restorer = 0x4000000 // SA_RESTORER, which the kernel asks for
	data := binary.LittleEndian.AppendUint64(nil, probeText+0x1000+uint64(handler))
	data = binary.LittleEndian.AppendUint64(data, restorer)
	data = binary.LittleEndian.AppendUint64(data, probeText)
	data = append(append(data, make([]byte, probePath-len(data))...), "/table\x00"...)

	const page, ehsize, phsize = 0x1000, 64, 56
	var out bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			binary.Write(&out, binary.LittleEndian, v)
		}
	}
	segment := func(flags uint32, at, address, size uint64) {
		put(uint32(1), flags, at, address, address, size, size, uint64(page))
	}
	// elf(5): 64 bits, little-endian, ET_EXEC, EM_X86_64, two segments.
	put([16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, uint16(2), uint16(62), uint32(1), uint64(probeText+page), uint64(ehsize), uint64(0),
		uint32(0), uint16(ehsize), uint16(phsize), uint16(2), [3]uint16{})
	segment(5, page, probeText+page, uint64(len(text)))
	segment(6, 2*page, probeData, uint64(len(data)))
	put(make([]byte, page-out.Len()), text)
	put(make([]byte, 2*page-out.Len()), data)
	return out.Bytes()
}
