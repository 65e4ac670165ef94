package main

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// trace takes a process for its own, so that its parent cannot wait for it.
func trace(args []string) error {
	pid, _ := strconv.Atoi(args[0])
	if err := unix.PtraceAttach(pid); err != nil {
		return err
	}
	if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
		return err
	}
	if err := unix.PtraceCont(pid, 0); err != nil {
		return err
	}
	fmt.Println("traced")
	time.Sleep(time.Minute) // never waits again
	return nil
}
