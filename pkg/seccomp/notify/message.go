package notify

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sizes are those of the kernel's structures: struct seccomp_notif_sizes.
type sizes struct{ notif, resp, data uint16 }

// header begins every message; struct seccomp_notify_proxy_msg of LXC.
type header struct {
	_          uint64
	monitorPid int32
	initPid    int32
	sizes      sizes
	_          uint16
	cookieLen  uint64
}

// The beginnings of the kernel's structures: they may grow at the end.
type notif struct {
	id   uint64
	pid  uint32
	_    uint32 // flags
	call int32
}

type resp struct {
	id  uint64
	_   int64  // what the call returns
	err int32  // or this, negative
	_   uint32 // flags
}

// at looks at bytes as a structure of the kernel's; callers know the size.
func at[T any](b []byte) *T { return (*T)(unsafe.Pointer(&b[0])) }

// refusal is the answer to a request when the proxy gives none.
func (p *Proxy) refusal(request []byte) []byte {
	b := make([]byte, p.sizes.resp)
	*at[resp](b) = resp{id: at[notif](request).id, err: -int32(unix.ENOSYS)}
	return b
}

// message gives header, request, an answer to be filled in, and cookie. The
// answer to it is as long, less the cookie.
func (p *Proxy) message(request []byte) (message []byte, answer int) {
	head := header{monitorPid: int32(p.monitor), initPid: int32(p.init), sizes: p.sizes, cookieLen: uint64(len(p.cookie))}
	b := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&head)), unsafe.Sizeof(head))...)
	b = append(append(b, request...), p.refusal(request)...)
	return append(b, p.cookie...), len(b)
}

// verdict takes the answer out of a message. LXC would let an answer to another
// request pass for the one to this.
func (p *Proxy) verdict(message, request []byte) ([]byte, error) {
	b := message[len(message)-int(p.sizes.resp):]
	if at[resp](b).id != at[notif](request).id {
		return nil, errors.New("the proxy's answer is one to another request")
	}
	return b, nil
}
