package command

import "golang.org/x/sys/unix"

// A Request is what a client asks for, its payload checked for the size and
// form its Number has.
type Request struct {
	Number  Number
	Word    uint64 // the header's data: an argument when there is no payload
	Payload []byte // valid until the connection's next Receive
	FD      int    // of SECCOMP_NOTIFY_ADD_LISTENER, the caller's to close; else -1
	PID     int32  // of the client, in our pid namespace
}

// Int gives a small argument: the tty's number, the state, the timeout.
func (r *Request) Int() int { return int(int32(uint32(r.Word))) }

// Text gives a string argument: the controller, the configuration key.
func (r *Request) Text() string { return getText(r.Payload) }

// check says whether the payload is what the table has.
func (r *Request) check() error {
	want := table[r.Number].request
	switch {
	case want == text && len(r.Payload) > 0 && r.Payload[len(r.Payload)-1] != 0:
		return ErrMalformed
	case want > 0 && !table[r.Number].grows && len(r.Payload) != int(want):
		return ErrMalformed
	}
	return nil
}

// A Response answers a Request.
type Response struct {
	Ret  int32  // 0, a state, or a negative errno
	Word uint64 // a number, when Data is empty
	Data []byte
}

// Fail answers with an errno.
func Fail(errno unix.Errno) Response { return Response{Ret: -int32(errno)} }

// Done answers that it is done.
func Done() Response { return Response{} }

// Int answers with a small number.
func Int(n int) Response { return Response{Word: uint64(n)} }

// Text answers with a string, which goes out NUL-terminated.
func Text(s string) Response { return Response{Data: append([]byte(s), 0)} }

// Missing is LXC's answer to GET_CONFIG_ITEM for a key that is unknown or
// empty.
func Missing() Response { return Response{Ret: -1} }

// Registered answers ADD_STATE_CLIENT: with the current state when the client
// asked for it, else with MaxState, and a Message follows.
func Registered(s State) Response { return Response{Ret: int32(s), Word: uint64(s)} }

// Struct answers with a structure, cut to the size the client knows: that of
// its request.
func Struct(encoded []byte, r *Request) Response {
	return Response{Data: encoded[:min(len(encoded), len(r.Payload))]}
}
