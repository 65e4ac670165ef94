package terminal

import "os"

// A Ring keeps the latest output of a console, for CONSOLE_LOG.
type Ring struct {
	data       []byte // a power of two long
	start, end uint64 // positions in all that was ever written; end-start <= len(data)
}

// NewRing makes a buffer of at least size bytes: a page or more, and a power
// of two.
func NewRing(size uint64) *Ring {
	n := uint64(os.Getpagesize())
	for n < size && n < 1<<40 {
		n <<= 1
	}
	return &Ring{data: make([]byte, n)}
}

// Write puts p behind what is there; the oldest bytes make room.
func (r *Ring) Write(p []byte) {
	size := uint64(len(r.data))
	if skip := len(p) - len(r.data); skip > 0 {
		r.end += uint64(skip)
		p = p[skip:]
	}
	n := copy(r.data[r.end%size:], p)
	copy(r.data, p[n:])
	r.end += uint64(len(p))
	if r.end-r.start > size {
		r.start = r.end - size
	}
}

// Len gives how many bytes are there.
func (r *Ring) Len() int { return int(r.end - r.start) }

// Read gives the oldest bytes that have not been taken, max at most; 0 is all.
// They stay until Advance.
func (r *Ring) Read(max uint64) []byte {
	n := r.end - r.start
	if max > 0 && max < n {
		n = max
	}
	out := make([]byte, n)
	size := uint64(len(r.data))
	got := copy(out, r.data[r.start%size:])
	copy(out[got:], r.data)
	return out
}

// Advance takes the n oldest bytes out.
func (r *Ring) Advance(n int) { r.start += uint64(min(n, r.Len())) }

// Clear takes everything out.
func (r *Ring) Clear() { r.start = r.end }
