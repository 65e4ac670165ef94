package command

import (
	"errors"

	"golang.org/x/sys/unix"
)

// ErrMalformed means that bytes of the other side are not what the protocol
// has in that place.
var ErrMalformed = errors.New("malformed message")

// A Want says how a state client waits for one state.
type Want int32

// The kinds of waiting.
const (
	Ignore  Want = 0
	Notify  Want = 1
	Persist Want = 2 // for Running: wait through a reboot, though it runs now
)

const wantsSize = 4 * 8

// Wants is the payload of ADD_STATE_CLIENT, indexed by state.
type Wants [MaxState]Want

// Append adds the 32 bytes of the payload to b.
func (w Wants) Append(b []byte) []byte {
	var raw [wantsSize]byte
	for i, want := range w {
		put32(raw[:], 4*i, int32(want))
	}
	return append(b, raw[:]...)
}

// ParseWants reads the payload of ADD_STATE_CLIENT.
func ParseWants(b []byte) (w Wants, err error) {
	if len(b) != wantsSize {
		return w, ErrMalformed
	}
	for i := range w {
		w[i] = Want(get32(b, 4*i))
	}
	return w, nil
}

const logRequestSize = 24

// A LogRequest is the payload of CONSOLE_LOG.
type LogRequest struct {
	Clear bool   // empty the ring buffer afterwards
	Read  bool   // send its content
	Max   uint64 // bytes of it at most; 0 is all
	Write bool   // into the log file; no release obeys it any more
}

// Append adds the 24 bytes of the payload to b.
func (r LogRequest) Append(b []byte) []byte {
	var raw [logRequestSize]byte
	raw[0], raw[1], raw[16] = bit(r.Clear), bit(r.Read), bit(r.Write)
	put64(raw[:], 8, r.Max)
	return append(b, raw[:]...)
}

// ParseLogRequest reads the payload of CONSOLE_LOG.
func ParseLogRequest(b []byte) (r LogRequest, err error) {
	if len(b) != logRequestSize {
		return r, ErrMalformed
	}
	return LogRequest{Clear: b[0] != 0, Read: b[1] != 0, Max: get64(b, 8), Write: b[16] != 0}, nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

const deviceSize = 40

// A Device is the payload of ADD_BPF_DEVICE_CGROUP: one rule of the device
// cgroup.
type Device struct {
	Type         byte   // 'a', 'b' or 'c'
	Major, Minor int32  // -1 is any
	Access       string // of the letters r, w, m; three at most
	Allow        bool
}

// Append adds the 40 bytes of the payload to b.
func (d Device) Append(b []byte) []byte {
	var raw [deviceSize]byte
	raw[0] = d.Type
	put32(raw[:], 4, d.Major)
	put32(raw[:], 8, d.Minor)
	putText(raw[12:16], d.Access)
	put32(raw[:], 16, int32(bit(d.Allow)))
	return append(b, raw[:]...)
}

// ParseDevice reads the payload of ADD_BPF_DEVICE_CGROUP.
func ParseDevice(b []byte) (d Device, err error) {
	if len(b) != deviceSize {
		return d, ErrMalformed
	}
	return Device{
		Type: b[0], Major: get32(b, 4), Minor: get32(b, 8),
		Access: getText(b[12:16]), Allow: get32(b, 16) != 0,
	}, nil
}

// grow brings a structure of the other side, whose size may be that of an
// older or newer release, to size bytes. What a newer one has more must be
// zero, or we would not understand it (E2BIG, as copy_struct_from_user of the
// kernel has it).
func grow(b []byte, size int) ([]byte, error) {
	if len(b) <= size {
		return append(append(make([]byte, 0, size), b...), make([]byte, size-len(b))...), nil
	}
	for _, c := range b[size:] {
		if c != 0 {
			return nil, unix.E2BIG
		}
	}
	return b[:size], nil
}
