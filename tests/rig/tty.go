package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ttyPatience bounds how long a command on a terminal may stay silent.
const ttyPatience = 10 * time.Second

// typingPause gives a program that has just printed its prompt the time to
// set its terminal up for the answer.
const typingPause = 30 * time.Millisecond

// onTTY is the script command `on-tty [EXPECT=KEYS]... -- COMMAND [ARG...]`: it
// runs COMMAND as leader of a session on a new terminal of 24 lines by 80
// columns and copies what it writes to standard output, with newlines as a
// file has them. Each time the output holds EXPECT, counted from the last
// match, KEYS are typed, with Go's backslash escapes. The exit status is
// COMMAND's, 128+N for signal N, or 124 when an EXPECT does not come or
// nothing happens for ten seconds.
func onTTY(args []string) (int, error) {
	var dialog []reply
	for len(args) > 0 && args[0] != "--" {
		expect, keys, ok := strings.Cut(args[0], "=")
		typed, err := strconv.Unquote(`"` + keys + `"`)
		if !ok || err != nil {
			return 0, fmt.Errorf("%q is not EXPECT=KEYS", args[0])
		}
		dialog = append(dialog, reply{expect, typed})
		args = args[1:]
	}
	if len(args) < 2 {
		return 0, errors.New("usage: on-tty [EXPECT=KEYS]... -- COMMAND [ARG...]")
	}
	master, slave, err := OpenTTY()
	if err != nil {
		return 0, err
	}
	defer master.Close()
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	slave.Close()

	if !converse(master, dialog) {
		cmd.Process.Kill()
		cmd.Wait()
		return 124, nil
	}
	return exitStatus(cmd), nil
}

// A reply is what is typed when the output holds what is expected.
type reply struct{ expect, keys string }

// converse copies the terminal's output to standard output until its other
// end is closed, typing as dialog says; false means that it fell silent.
func converse(master *os.File, dialog []reply) bool {
	output := make(chan []byte)
	go func() {
		defer close(output)
		for {
			buf := make([]byte, 4096)
			n, err := master.Read(buf)
			if err != nil { // EIO: the last holder of the other end is gone
				return
			}
			output <- buf[:n]
		}
	}()
	var pending []byte
	for {
		select {
		case chunk, ok := <-output:
			if !ok {
				return true
			}
			os.Stdout.Write(bytes.ReplaceAll(chunk, []byte("\r"), nil))
			pending = append(pending, chunk...)
			for len(dialog) > 0 {
				i := bytes.Index(pending, []byte(dialog[0].expect))
				if i < 0 {
					break
				}
				pending = pending[i+len(dialog[0].expect):]
				time.Sleep(typingPause)
				master.WriteString(dialog[0].keys)
				dialog = dialog[1:]
			}
		case <-time.After(ttyPatience):
			return false
		}
	}
}

// exitStatus waits for cmd and gives its status the way a shell does.
func exitStatus(cmd *exec.Cmd) int {
	cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

// OpenTTY makes a pseudo terminal of 24 lines by 80 columns.
func OpenTTY() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("open a terminal: %w", err)
	}
	return master, slave, nil
}
