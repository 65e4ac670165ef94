package command

// The protocol is in the byte order of the machine. Both kinds of machine
// Gantry runs on, amd64 and arm64, are little-endian.

func get32(b []byte, at int) int32 {
	b = b[at : at+4]
	return int32(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
}

func put32(b []byte, at int, v int32) {
	for i := range 4 {
		b[at+i] = byte(uint32(v) >> (8 * i))
	}
}

func get64(b []byte, at int) uint64 {
	return uint64(uint32(get32(b, at))) | uint64(uint32(get32(b, at+4)))<<32
}

func put64(b []byte, at int, v uint64) {
	put32(b, at, int32(uint32(v)))
	put32(b, at+4, int32(uint32(v>>32)))
}

// getText takes the string before the first NUL, all of b without one.
func getText(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// putText writes as much of s as leaves room for a NUL at the end of field.
func putText(field []byte, s string) {
	clear(field)
	copy(field[:len(field)-1], s)
}

// headerSize is that of a request's and of a response's header.
const headerSize = 16

// maxPayload is the most a request carries, and a response but CONSOLE_LOG's.
const maxPayload = 8192

// A header is that of a request (code is its Number) or of a response (code
// is 0, a state, or a negative errno).
type header struct {
	code int32
	size int32  // of the payload behind it
	word uint64 // a value, when size is 0
}

func (h header) append(b []byte) []byte {
	var raw [headerSize]byte
	put32(raw[:], 0, h.code)
	put32(raw[:], 4, h.size)
	put64(raw[:], 8, h.word)
	return append(b, raw[:]...)
}

// parseHeader reads headerSize bytes.
func parseHeader(b []byte) header {
	return header{code: get32(b, 0), size: get32(b, 4), word: get64(b, 8)}
}
