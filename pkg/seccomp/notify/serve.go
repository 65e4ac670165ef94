package notify

import (
	"strconv"
	"unsafe"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// Serve has the proxy answer the calls a listener tells of, until nobody is left
// under its filter or there is something to read from stop (-1: nothing ever is).
// A call that has been taken is answered before that, within a second. The
// listener is closed.
//
// Who else has the listener, as the proxy does, may take a call just seen here:
// the next one is then waited for, in this goroutine alone.
func (p *Proxy) Serve(listener, stop int, log func(...string)) {
	defer unix.Close(listener)
	watched := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}, {Fd: int32(stop), Events: unix.POLLIN}}
	for {
		_, err := poll(watched, -1)
		if err == nil && watched[1].Revents != 0 {
			return
		}
		if err == nil && watched[0].Revents&unix.POLLIN == 0 {
			return // POLLHUP: nobody is left
		}
		if err == nil {
			err = p.serve(listener, stop, log)
		}
		if err != nil {
			log("seccomp listener: ", err.Error())
			return
		}
	}
}

// serve takes one call and answers it. Its error is the listener's: it is none.
func (p *Proxy) serve(listener, stop int, log func(...string)) error {
	request := make([]byte, p.sizes.notif)
	switch err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, request); err {
	case nil:
	case unix.ENOENT, unix.EINTR:
		return nil // the thread was killed meanwhile
	default:
		return err
	}
	answer, err := p.decide(listener, stop, request)
	if err == nil {
		// EINVAL: of an answer that contradicts itself.
		if err = sys.CallError("the proxy's answer", reply(listener, answer)); err == nil {
			return nil
		}
	}
	if failed := reply(listener, p.refusal(request)); failed == unix.ENOENT {
		return nil // the thread did not live to hear it
	}
	n := at[notif](request)
	log("system call ", strconv.Itoa(int(n.call)), " of process ", strconv.Itoa(int(n.pid)), " fails: ", err.Error())
	return nil
}

// decide asks the proxy. With the request it gets the caller's directory in
// /proc, its memory, and the listener.
func (p *Proxy) decide(listener, stop int, request []byte) ([]byte, error) {
	directory := "/proc/" + strconv.FormatUint(uint64(at[notif](request).pid), 10)
	dir, err := open(directory, unix.O_DIRECTORY|unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	mem, err := open(directory+"/mem", unix.O_RDWR)
	if err != nil {
		return nil, err
	}
	defer unix.Close(mem)
	// Only now is it sure that the pid was still the caller's when it was opened.
	id := at[notif](request).id
	if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Slice((*byte)(unsafe.Pointer(&id)), unsafe.Sizeof(id))); err != nil {
		return nil, sys.CallError("ioctl SECCOMP_IOCTL_NOTIF_ID_VALID", err)
	}
	message, size := p.message(request)
	answer, err := p.ask(message, size, stop, dir, mem, listener)
	if err != nil {
		return nil, err
	}
	if answer, err = p.verdict(answer, request); err != nil {
		p.Close()
	}
	return answer, err
}

// reply sends an answer to the thread. The proxy may have done so itself.
func reply(listener int, answer []byte) error {
	err := control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, answer)
	if err == unix.EINPROGRESS {
		return nil
	}
	return err
}

func open(path string, flags int) (fd int, err error) {
	fd, err = sys.RetryInt(func() (int, error) { return unix.Open(path, flags|unix.O_CLOEXEC, 0) })
	return fd, sys.PathError("open", path, err)
}

// control is an ioctl with a structure.
func control(fd int, request uint, b []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&b[0])))
	if errno != 0 {
		return errno
	}
	return nil
}
