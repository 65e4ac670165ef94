package command

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pair gives a Conn of a server that allows us, and its client's socket.
func pair(t testing.TB) (*Conn, int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		t.Fatal(err)
	}
	c := &Conn{server: &Server{uid: uint32(unix.Getuid()), gid: uint32(unix.Getgid())}, fd: fds[0]}
	t.Cleanup(func() { c.Close(); unix.Close(fds[1]) })
	return c, fds[1]
}

// FuzzReceive sends bytes in two parts: whatever they are, Receive neither
// blocks nor keeps more than a request.
func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 16)
	f.Add(append(header{code: int32(AddStateClient), size: 32}.append(nil), Wants{}.Append(nil)...), 20)
	f.Add(append(header{code: int32(GetConfigItem), size: 5}.append(nil), "lxc.\x00"...), 3)
	f.Add(header{code: int32(SeccompNotifyAddListener)}.append(nil), 0)
	f.Fuzz(func(t *testing.T, b []byte, split int) {
		c, client := pair(t)
		split = max(min(split, len(b)), 0)
		for _, part := range [][]byte{b[:split], b[split:]} {
			if len(part) == 0 {
				continue
			}
			unix.Write(client, part)
			for {
				r, done, err := c.Receive()
				if len(c.request.Payload) > maxPayload {
					t.Fatalf("payload of %d bytes", len(c.request.Payload))
				}
				if done && (!r.Number.Known() || r.check() != nil) {
					t.Fatalf("Receive gives an ill-formed %v", r)
				}
				if !done || err != nil {
					break
				}
			}
		}
	})
}

// TestDescriptorsNobodyAskedFor checks that they do not pile up.
func TestDescriptorsNobodyAskedFor(t *testing.T) {
	c, client := pair(t)
	before, _ := unix.Dup(0)
	unix.Close(before)
	b := header{code: int32(GetState)}.append(nil)
	if err := unix.Sendmsg(client, b, unix.UnixRights(0, 0, 0), nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, done, err := c.Receive(); !done || err != nil {
		t.Fatalf("Receive = %v, %v; want a request", done, err)
	}
	after, _ := unix.Dup(0)
	unix.Close(after)
	if after != before {
		t.Errorf("the next free descriptor is %d; want %d", after, before)
	}
}

// TestListenerDescriptor takes the one descriptor a request brings.
func TestListenerDescriptor(t *testing.T) {
	c, client := pair(t)
	unix.Write(client, header{code: int32(SeccompNotifyAddListener)}.append(nil))
	if _, done, err := c.Receive(); done || err != nil {
		t.Fatalf("Receive without descriptor = %v, %v; want to wait", done, err)
	}
	if err := unix.Sendmsg(client, []byte{0}, unix.UnixRights(0), nil, 0); err != nil {
		t.Fatal(err)
	}
	r, done, err := c.Receive()
	if !done || err != nil || r.FD < 0 {
		t.Fatalf("Receive = %v, %v, %v; want a descriptor", r, done, err)
	}
	unix.Close(r.FD)
}

// FuzzReply sends bytes as a monitor's answer: whatever they are, the client
// neither waits for more after the end nor believes in sizes.
func FuzzReply(f *testing.F) {
	f.Add(int32(GetState), header{word: 2}.append(nil))
	f.Add(int32(GetName), append(header{size: 4}.append(nil), "web\x00"...))
	f.Add(int32(ConsoleLog), header{size: 1 << 30}.append(nil))
	f.Add(int32(GetName), header{size: -1}.append(nil))
	f.Fuzz(func(t *testing.T, number int32, b []byte) {
		if !Number(number).Known() {
			return
		}
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Write(fds[1], b)
		unix.Close(fds[1])
		r := &reply{conn: os.NewFile(uintptr(fds[0]), "monitor")}
		defer r.close()
		if err := r.read(Number(number)); err == nil && len(r.data) != int(r.size) {
			t.Errorf("%d bytes of %d and no error", len(r.data), r.size)
		}
	})
}
