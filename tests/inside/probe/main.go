// Probe tells what only a process itself can learn of its own world. With an
// operand it writes to that file and then becomes `sleep 1000`: so an init can
// be looked at from its first moment. Under another name than probe it is a hook
// of that name, which adds to the file /run/trace/log.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// main is locked to the main thread: some of it belongs to that alone.
func main() {
	if name := filepath.Base(os.Args[0]); name != "probe" {
		runHook(name)
		return
	}
	runtime.LockOSThread()
	report := describe()
	if len(os.Args) < 2 {
		fmt.Print(report)
		return
	}
	if err := os.WriteFile(os.Args[1], []byte(report), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	fmt.Fprintln(os.Stderr, unix.Exec("/bin/sleep", []string{"sleep", "1000"}, os.Environ()))
	os.Exit(1)
}

func describe() string {
	session, _ := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	keyring, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, session)
	if err != nil {
		keyring = err.Error()
	}
	report := fmt.Sprintf("session keyring %d %s\n", session, keyring)
	for _, p := range []struct {
		name   string
		option int
	}{
		{"dumpable", unix.PR_GET_DUMPABLE},
		{"securebits", unix.PR_GET_SECUREBITS},
		{"keepcaps", unix.PR_GET_KEEPCAPS},
		{"timing", unix.PR_GET_TIMING},
	} {
		value, err := unix.PrctlRetInt(p.option, 0, 0, 0, 0)
		report += fmt.Sprintln(p.name, value, err)
	}
	for _, p := range []struct {
		name   string
		option int
	}{
		{"parent-death signal", unix.PR_GET_PDEATHSIG},
		{"subreaper", unix.PR_GET_CHILD_SUBREAPER},
	} {
		var value int32
		err := unix.Prctl(p.option, uintptr(unsafe.Pointer(&value)), 0, 0, 0)
		report += fmt.Sprintln(p.name, value, err)
	}
	var cookie uint64
	err = unix.Prctl(unix.PR_SCHED_CORE, unix.PR_SCHED_CORE_GET, 0, 0, uintptr(unsafe.Pointer(&cookie)))
	return report + fmt.Sprintln("core scheduling", cookie != 0, err)
}
