// Package rig gives tests and benchmarks a small machine of their own.
//
// Enter re-executes the program inside new mount, pid, network, IPC, UTS and
// cgroup namespaces. There /etc, /var and /run are private copies, /var/lib/lxc
// is an empty directory on a real disk, the network holds nothing but lo, and
// the cgroup hierarchies begin at a directory made for this run. Whatever
// happens inside, the machine outside is left as it was found: the kernel ends
// every process and namespace with the keeper, and Enter removes the cgroups
// and files.
//
//	func TestMain(m *testing.M) { rig.Enter(); os.Exit(m.Run()) }
//
// The processes: the program as it was started (outside) waits for the keeper,
// which is pid 1 of the small machine, prepares it, runs the program again
// (inside) and reaps orphans.
package rig

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// role is the environment variable that tells the processes of a rig apart.
const role = "GANTRY_RIG"

// workVar names the directory on disk that belongs to this run.
const workVar = "GANTRY_RIG_WORK"

// Enter returns inside the small machine; outside, it ends the process with
// the exit status of the one inside. What cannot be set up ends the process
// with status 1 and a line on standard error.
func Enter() {
	var err error
	switch os.Getenv(role) {
	case "inside":
		runHelper()
		unix.CloseOnExec(hostNetFD)
		return
	case "born":
		err = settle()
	case "keeper":
		err = keep()
	default:
		var code int
		if code, err = outside(); err == nil {
			os.Exit(code)
		}
	}
	fmt.Fprintln(os.Stderr, "rig:", err)
	os.Exit(1)
}

// outside runs the keeper and cleans up after it.
func outside() (code int, err error) {
	if os.Geteuid() != 0 {
		return 0, fmt.Errorf("not root: these tests start real containers")
	}
	work, err := os.MkdirTemp("", "gantry-rig-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	groups, err := makeCgroups("gantry-rig-" + strconv.Itoa(os.Getpid()))
	defer groups.remove()
	if err != nil {
		return 0, err
	}

	runtime.LockOSThread() // Pdeathsig means the thread
	keeper := exec.Command("/proc/self/exe", os.Args[1:]...)
	keeper.Args[0] = os.Args[0]
	keeper.Stdin, keeper.Stdout, keeper.Stderr = os.Stdin, os.Stdout, os.Stderr
	keeper.Env = append(os.Environ(), role+"=born", workVar+"="+work, groups.env())
	keeper.SysProcAttr = &unix.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Pdeathsig:  unix.SIGKILL,
	}
	host, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return 0, err
	}
	defer host.Close()
	keeper.ExtraFiles = []*os.File{host}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGHUP)
	if err := keeper.Start(); err != nil {
		return 0, err
	}
	go func() {
		<-stop
		keeper.Process.Kill()
	}()
	return exitStatus(keeper), nil
}

// settle moves the newborn keeper into its cgroups and, so that they look
// like the roots of their hierarchies, into a cgroup namespace. Unsharing
// changes one thread; exec makes it the only one.
func settle() error {
	runtime.LockOSThread()
	if err := cgroupsFromEnv().settle(func() error {
		return os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_NEWCGROUP))
	}); err != nil {
		return err
	}
	return unix.Exec("/proc/self/exe", os.Args, withRole("keeper"))
}

// keep prepares the small machine, runs the program inside, and reaps until
// it ends.
func keep() error {
	if err := furnish(os.Getenv(workVar)); err != nil {
		return err
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	program, err := os.StartProcess(exe, os.Args, &os.ProcAttr{
		Env:   withRole("inside"),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, os.NewFile(hostNetFD, "netns")},
	})
	if err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR || err == nil && pid != program.Pid:
			continue
		case err != nil:
			return err
		case status.Signaled():
			os.Exit(128 + int(status.Signal()))
		}
		os.Exit(status.ExitStatus())
	}
}

// withRole is the environment for the next process of the rig.
func withRole(name string) []string {
	env := []string{role + "=" + name}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, role+"=") {
			env = append(env, v)
		}
	}
	return env
}

// Checkout gives the root directory of the source tree: the first directory
// at or above the working directory that holds go.mod.
func Checkout() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
		if d == "/" {
			panic("no go.mod at or above " + dir)
		}
	}
}
