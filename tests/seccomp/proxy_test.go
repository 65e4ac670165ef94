package seccomp

import (
	"encoding/binary"
	"os"
	"strconv"
	"testing"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"

	"gantry/tests/rig"
)

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	// What this process was given is not the containers'.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func itoa(n int) string { return strconv.Itoa(n) }

// proxyPath is where proxies listen.
const proxyPath = "/run/proxy"

// listen makes the socket of a proxy.
func listen(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(proxyPath)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: proxyPath}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 5); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Shutdown(fd, unix.SHUT_RDWR) // ends accept
		unix.Close(fd)
		os.Remove(proxyPath)
	})
	return fd
}

// What the messages of the protocol consist of, on every kernel so far.
const (
	headSize, notifSize, respSize = 32, 80, 24
	numberAt                      = headSize + 16
	respAt                        = headSize + notifSize
)

// A question is what a proxy is asked.
type question struct {
	message []byte
	fds     []int
}

func (q question) number() int    { return int(binary.LittleEndian.Uint32(q.message[numberAt:])) }
func (q question) cookie() string { return string(q.message[respAt+respSize:]) }

// reply is the answer that the call fails with an errno, or with flags.
func (q question) reply(errno unix.Errno, flags uint32) []byte {
	b := append([]byte(nil), q.message[:respAt+respSize]...)
	binary.LittleEndian.PutUint32(b[respAt+16:], uint32(-int32(errno)))
	binary.LittleEndian.PutUint32(b[respAt+20:], flags)
	return b
}

// receive waits for a question on a connection; ok is false at its end.
func receive(conn int) (q question, ok bool) {
	b := make([]byte, 4096)
	n, fds, err := sys.Receive(conn, b)
	return question{b[:n], fds}, err == nil && n > respAt
}

// decide is a proxy that lets each call fail with errno 88, or go on if its number
// is even.
func decide(t *testing.T) {
	socket := listen(t)
	go func() {
		for {
			conn, err := sys.Accept(socket, unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			go func() {
				defer unix.Close(conn)
				for {
					q, ok := receive(conn)
					if !ok {
						return
					}
					sys.CloseAll(q.fds)
					answer := q.reply(88, 0)
					if q.number()%2 == 0 {
						answer = q.reply(0, unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE)
					}
					sys.Send(conn, answer)
				}
			}()
		}
	}()
}
