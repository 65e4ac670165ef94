package inside

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/pkg/command"
	"gantry/tests/rig"
)

const lxcpath = "/var/lib/lxc"

// probeFile is the program of the directory probe, outside; inside it is /probe.
const probeFile = "/run/rig/probe"

// rc is what the init runs first: it writes down what cannot be seen from
// outside.
const rc = `{
	echo "tty $(tty)"
	id
	stty -a
	ls -l /proc/self/fd
	/probe
} >/run/seeing 2>&1
mv /run/seeing /run/seen
`

// prepare defines the container c of the lines of a case, and another beside
// it, and gives the shell script that starts it: lines that begin with !, and
// the one that begins with $ in place of `lxc-start -n c`.
func prepare(t *testing.T, lines []string) (script string) {
	t.Helper()
	for _, name := range []string{lxcpath + "/c", lxcpath + "/other", "/run/lxc", "/run/case"} {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("/run/case", 0o755); err != nil {
		t.Fatal(err)
	}
	start := "lxc-start -n c"
	var config []string
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "!"):
			script += line[1:] + "\n"
		case strings.HasPrefix(line, "$"):
			start = line[1:]
		default:
			config = append(config, line)
		}
	}
	if err := define("c", config...); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(script, "other") {
		if err := define("other"); err != nil {
			t.Fatal(err)
		}
	}
	return "cd /run/case\n" + script + start
}

// define defines a container whose init runs rc.
func define(name string, config ...string) error {
	if err := rig.Define(lxcpath, name, config...); err != nil {
		return err
	}
	root := filepath.Join(lxcpath, name, "rootfs")
	if err := os.Chmod(root+"/run", 0o1777); err != nil {
		return err
	}
	// Whoever looks for the init's console finds it by its mapped ids too.
	for _, dir := range []string{lxcpath, filepath.Dir(root)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(root+"/etc/rc", []byte(rc), 0o755); err != nil {
		return err
	}
	probe, err := os.ReadFile(probeFile)
	if err != nil {
		return err
	}
	return os.WriteFile(root+"/probe", probe, 0o755)
}

// again is the shell function that reboots a container whose init has run rc.
const again = `again() {
	seen=/var/lib/lxc/c/rootfs/run/seen
	until [ -e $seen ]; do sleep 0.01; done
	rm $seen
	lxc-stop -r -n c </dev/null >/dev/null 2>&1
}
`

// lookInside starts a container and gives its init's view.
func lookInside(t *testing.T, tools rig.Toolset, lines []string) view {
	t.Helper()
	out, err := tools.Shell(again + prepare(t, lines)).CombinedOutput()
	if err != nil {
		if !*show {
			out = nil // the words are their own
		}
		return view{"start": fmt.Sprintf("%v\n%s", err, out)}
	}
	pid := await(t, tools)
	v := look(pid)
	if out, err := tools.Shell("lxc-stop -k -n c").CombinedOutput(); err != nil {
		t.Errorf("%s: lxc-stop: %v\n%s", tools.Name, err, out)
	}
	return v
}

// await waits until the init has come to rest: it has run rc and waits for a
// sleep, or is the program sleep itself.
func await(t *testing.T, tools rig.Toolset) (pid int) {
	t.Helper()
	c := command.NewClient(lxcpath, "c")
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		pid, err := c.InitPID()
		if err != nil {
			continue // lxc-start -F in the background has not come so far
		}
		if sleeps(pid) {
			return pid
		}
		children := read(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if child, err := strconv.Atoi(strings.TrimSpace(children)); err == nil && sleeps(child) {
			return pid
		}
	}
	t.Fatalf("%s: the init does not come to rest", tools.Name)
	return 0
}

// sleeps says whether a process waits in the call that a program sleep waits
// in. Its name alone is not enough: while it is being executed that comes
// before the new command line and environment do.
func sleeps(pid int) bool {
	proc := fmt.Sprintf("/proc/%d", pid)
	call, _, _ := strings.Cut(read(proc+"/syscall"), " ")
	return read(proc+"/comm") == "sleep\n" && slices.Contains(pauses, call)
}

var pauses = []string{strconv.Itoa(unix.SYS_NANOSLEEP), strconv.Itoa(unix.SYS_CLOCK_NANOSLEEP)}
