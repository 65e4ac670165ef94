package terminal

import (
	"os"
	"strconv"

	"gantry/internal/sys"
	"golang.org/x/sys/unix"
)

// OpenLog opens a console's log file for a Log.
func OpenLog(path string) (*os.File, error) { return openLog(path, 0) }

func openLog(path string, more int) (*os.File, error) {
	// Opened for reading too, a fifo does not wait for its reader.
	const flags = unix.O_RDWR | unix.O_CREAT | unix.O_APPEND | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := sys.RetryInt(func() (int, error) { return unix.Open(path, flags|more, 0o640) })
	if err != nil {
		return nil, sys.PathError("open", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// A Log is what lxc.console.logfile asks for. A file that would grow beyond
// its limit is emptied, or becomes FILE.1 and is begun anew.
type Log struct {
	file   *os.File
	path   string // absolute: the shim's working directory is another than set-up's
	limit  int64
	rotate bool
	size   int64 // negative for what is no regular file: it has no size
}

// NewLog takes over a file from OpenLog, be it of another process. limit is in
// bytes; 0 is none.
func NewLog(file *os.File, limit uint64, rotate bool) *Log {
	l := &Log{file: file, limit: int64(min(limit, 1<<62)), rotate: rotate}
	// A file that came over a socket has lost its name.
	l.path, _ = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(file.Fd())))
	l.measure()
	return l
}

// measure finds out how large the file is.
func (l *Log) measure() {
	var st unix.Stat_t
	l.size = -1
	if err := unix.Fstat(int(l.file.Fd()), &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		l.size = st.Size
		return
	}
	unix.SetNonblock(int(l.file.Fd()), true) // a fifo or terminal that nobody reads
}

// Write appends output of the console. Lines stay whole where a change of
// files allows it. What a full fifo does not take is lost.
func (l *Log) Write(p []byte) error {
	for len(p) > 0 {
		part := p
		if l.limit > 0 && l.size >= 0 {
			part = p[:l.fit(p)]
			if len(part) == 0 {
				if err := l.next(); err != nil {
					return err
				}
				continue
			}
		}
		n, err := sys.RetryInt(func() (int, error) { return unix.Write(int(l.file.Fd()), part) })
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return sys.PathError("write", l.path, err)
		}
		if l.size >= 0 {
			l.size += int64(n)
		}
		p = p[n:]
	}
	return nil
}

// fit says how much of p still goes into the file: all of it, whole lines, or
// in a file of its own as much of an endless line as the limit allows.
func (l *Log) fit(p []byte) int {
	room := max(l.limit-l.size, 0)
	if int64(len(p)) <= room {
		return len(p)
	}
	end := int(room)
	for end > 0 && p[end-1] != '\n' {
		end--
	}
	if end == 0 && l.size == 0 {
		return int(room)
	}
	return end
}

// next makes room.
func (l *Log) next() error {
	if !l.rotate {
		if err := sys.Retry(func() error { return unix.Ftruncate(int(l.file.Fd()), 0) }); err != nil {
			return sys.PathError("ftruncate", l.path, err)
		}
		l.size = 0
		return nil
	}
	if err := unix.Rename(l.path, l.path+".1"); err != nil && err != unix.ENOENT {
		return sys.PathError("rename", l.path, err)
	}
	// The path was read from the descriptor: a link in it is one that has come since.
	file, err := openLog(l.path, unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	l.file.Close()
	l.file = file
	l.measure()
	return nil
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }
