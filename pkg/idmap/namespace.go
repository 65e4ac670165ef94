package idmap

import (
	"os"
	"strconv"
	"syscall"

	"gantry/pkg/forkexec"
	"gantry/pkg/plan"
	"golang.org/x/sys/unix"
)

// NewNamespace makes a user namespace with these maps that has no process in
// it, for id-mapped mounts. It lives as long as the file, which the caller owns.
func NewNamespace(maps []plan.IDMap, user User) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// The child that carries the namespace until it is open reads from a pipe
	// nobody writes to. It ends with it, even if this process is killed.
	p := forkexec.New()
	p.Call("read", unix.SYS_READ, p.File(r), p.Bytes(make([]byte, 8)), forkexec.Int(1))
	child, err := p.Start(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER})
	if err != nil {
		w.Close()
		return nil, err
	}
	defer func() {
		w.Close()
		child.Process.Wait()
		child.Close()
	}()
	if err := Write(child.Pid, maps, user); err != nil {
		return nil, err
	}
	return os.Open("/proc/" + strconv.Itoa(child.Pid) + "/ns/user")
}
