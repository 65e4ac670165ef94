package crash

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gantry/tests/rig"
)

var (
	stride = flag.Int("stride", 0, "kill before each N-th system call (0: what the table of actions says)")
	first  = flag.Int("first", 0, "the first system call to kill before (0: any below the stride)")
	count  = flag.Int("count", 1<<30, "how many of them for each victim")
)

const (
	lxcpath = "/var/lib/lxc"
	dir     = lxcpath + "/c"
	pidFile = "/run/c.pid"
	upFile  = dir + "/rootfs/run/up" // made by the init once it obeys signals
)

func TestMain(m *testing.M) {
	rig.Build()
	rig.Enter()
	os.Exit(m.Run())
}

// An action is what happens to the container while somebody is killed.
type action struct {
	name    string
	before  string   // script that leads there; the container is defined
	command string   // the tool and its arguments
	runs    bool     // the container does beforehand
	config  []string // added lines
	victims []sweep
}

// A sweep kills a process of one role again and again, each time so many calls
// later.
type sweep struct {
	role   string
	stride int
}

// whole is a container with everything that outlasts a process.
var whole = []string{
	"lxc.net.0.type = veth", "lxc.net.0.link = br0", "lxc.net.0.ipv4.address = 10.0.9.7/24", "lxc.net.0.script.down = /bin/true",
	"lxc.net.1.type = macvlan", "lxc.net.1.link = br0", "lxc.hook.post-stop = /bin/true", "lxc.console.logfile = /run/c.console", "lxc.mount.auto = cgroup:mixed",
	"lxc.mount.entry = tmpfs mnt tmpfs rw 0 0",
}

var idmapped = append([]string{"lxc.idmap = u 0 100000 65536", "lxc.idmap = g 0 100000 65536", "lxc.rootfs.options = idmap=container"}, whole...)

const (
	startIt = "lxc-start -n c -p " + pidFile
	upIt    = startIt + " && ready c"
	undo    = "lxc-destroy -n c"
)

// The strides make some 300 deaths of it.
var actions = []action{
	{"start", "", startIt, false, nil, []sweep{{tool, 13}, {launcher, 1}, {shim, 3}, {initial, 11}}},
	{"start-whole", "", startIt, false, whole, []sweep{{tool, 13}, {shim, 7}, {initial, 13}}},
	{"start-foreground", "", "lxc-start -F -n c -p " + pidFile, false, whole, []sweep{{tool, 17}, {shim, 7}, {initial, 17}}},
	{"stop", upIt, "lxc-stop -n c -t 5", true, whole, []sweep{{tool, 7}, {shim, 7}, {stage, 5}, {initial, 1}}},
	{"stop-orphans", upIt, "lxc-stop -n c -t 5", true, []string{"lxc.namespace.keep = user pid"}, []sweep{{shim, 11}}},
	{"kill", upIt, "lxc-stop -n c -k", true, nil, []sweep{{tool, 7}, {shim, 5}}},
	{"reboot", upIt, "lxc-stop -n c -r -t 5", true, idmapped, []sweep{{tool, 11}, {shim, 5}, {stage, 11}, {launcher, 1}, {initial, 13}}},
	{"create", undo, "lxc-create -n c -t busybox", false, nil, []sweep{{tool, 13}}},
	{"destroy", "", "lxc-destroy -n c", false, nil, []sweep{{tool, 11}}},
}

func TestCrash(t *testing.T) {
	remove, err := rig.Bridge("br0", "10.0.9.1/24")
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	for _, a := range actions {
		for _, s := range a.victims {
			t.Run(a.name+"/"+s.role, func(t *testing.T) { a.sweep(t, s) })
		}
	}
}

// sweep goes on until the victim lives to see the end, twice: it may have been
// slow.
func (a *action) sweep(t *testing.T, s sweep) {
	const bearable = 5
	if *stride > 0 {
		s.stride = *stride
	}
	from := *first
	if from == 0 {
		from = 1 + int(time.Now().Unix())%s.stride // what one run leaves out another does
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	dead, survivors, failures := 0, 0, 0
	for n := 0; n < *count && survivors < 2 && failures < bearable; n++ {
		call := from + n*s.stride
		died, err := a.crash(victim{s.role, int64(call)}, n)
		switch {
		case err != nil:
			failures++
			t.Errorf("%s killed before call %d: %v", s.role, call, err)
		case died:
			dead, survivors = dead+1, 0
		default:
			survivors++
		}
	}
	if dead == 0 && *first == 0 {
		t.Errorf("no %s was killed", s.role)
	}
	t.Logf("%d killed, from call %d on, in %v", dead, from, time.Since(began).Round(time.Millisecond))
}

// crash lets the action happen with a victim, sees how that is recovered from,
// and looks for what is left.
func (a *action) crash(v victim, n int) (died bool, err error) {
	before := rig.Look()
	defer func() {
		if err == nil {
			return
		}
		if e := errors.Join(before.Restore(), os.RemoveAll(dir)); e != nil {
			err = fmt.Errorf("%w; and cannot clean up: %w", err, e)
		}
	}()
	if _, err := os.Stat(dir); err != nil {
		if err := rig.Define(lxcpath, "c", a.config...); err != nil {
			return false, err
		}
	}
	os.Remove(upFile) // an earlier life's
	if err := must(a.before); err != nil {
		return false, err
	}
	var running map[int]string
	if a.runs {
		running = whoRuns()
	}
	out, err := os.CreateTemp("", "")
	if err != nil {
		return false, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	t := trace(v, running, command(context.Background(), a.command, out))
	const patience = 15 * time.Second // longer than any of the time limits in the commands
	if !t.settle(patience, a.up) {
		return true, fmt.Errorf("%s does not end", a.command)
	}
	if t.failure != nil {
		return false, t.failure
	}
	if !t.killed.Load() && t.status != 0 {
		said, _ := os.ReadFile(out.Name())
		return false, fmt.Errorf("%s undisturbed: status %#x\n%s", a.command, t.status, said)
	}
	if err := a.recover(n); err != nil {
		said, _ := os.ReadFile(out.Name())
		return true, fmt.Errorf("%w\nthe command had said: %s", err, said)
	}
	if err := leftovers(before); err != nil {
		return true, err
	}
	<-t.quiet
	return t.killed.Load(), nil
}

// up says whether a container that the tool stays with has started.
func (a *action) up() bool {
	return strings.Contains(a.command, "-F") && os.Remove(upFile) == nil
}

// recover takes one of the ways on, in turn: start at once, stop, destroy.
func (a *action) recover(n int) error {
	const notRunning = 2
	_, err := os.Stat(dir + "/config")
	_, partial := os.Lstat(dir + "/partial")
	defined := err == nil && partial != nil // else whoever comes next clears it away
	switch n % 3 {
	case 0:
		started, err := again(defined)
		if err != nil {
			return err
		}
		if started {
			return must("lxc-stop -k -n c && [ ! -e " + pidFile + " ]")
		}
		fallthrough
	case 1:
		if status, said := run("lxc-stop -k -n c"); status != 0 && status != notRunning {
			return fmt.Errorf("lxc-stop exits %d\n%s", status, said)
		}
		if tree := rig.Tree(dir); tree != "" && !strings.Contains(tree, dir+"/config\n") {
			return fmt.Errorf("lxc-stop leaves the directory\n%s", tree)
		}
		return nil
	}
	status, said := run("lxc-destroy -f -n c")
	if missing := strings.Contains(said, "not defined"); status != 0 && !missing || status == 0 && missing {
		return fmt.Errorf("lxc-destroy exits %d\n%s", status, said)
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("lxc-destroy leaves the directory\n%s", rig.Tree(dir))
	}
	return nil
}

// again starts the container. One that is not there any more is made anew; one
// that runs, or has not stopped yet, is left alone: lxc-start takes that for a
// success.
func again(defined bool) (started bool, err error) {
	status, said := run(startIt)
	switch {
	case strings.Contains(said, "already running"):
		return false, nil
	case status == 0:
		return true, nil
	case defined:
		return false, fmt.Errorf("lxc-start exits %d\n%s", status, said)
	}
	if _, err := os.Lstat(dir); err == nil {
		return false, fmt.Errorf("lxc-start leaves the directory\n%s", rig.Tree(dir))
	}
	return true, must("lxc-create -n c -t busybox && lxc-start -n c")
}

// leftovers compares what there is with what there was. What ends on its own
// gets some time to do so.
func leftovers(before rig.Facts) error {
	var diff []string
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if diff = before.Diff(rig.Look()); diff == nil {
			break
		}
	}
	os.Remove(pidFile) // a killed shim's; the next start with -p writes it anew
	files, _ := filepath.Glob("/run/*")
	more, _ := filepath.Glob(lxcpath + "/*")
	for _, path := range append(files, more...) {
		if !strings.Contains(" /run/rig /run/lock /run/lxc /run/c.console "+dir+" ", " "+path+" ") {
			diff = append(diff, "+ file "+path)
		}
	}
	if diff != nil {
		return fmt.Errorf("left behind:\n%s", strings.Join(diff, "\n"))
	}
	return nil
}

// command prepares a command line of our tools.
func command(ctx context.Context, line string, out *os.File) *exec.Cmd {
	words := strings.Fields(line)
	cmd := exec.CommandContext(ctx, filepath.Join(rig.Ours().Dir, words[0]), words[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

// run runs a script; one that takes too long has the status -1.
func run(script string) (status int, said string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sh := rig.Ours().Shell(script)
	cmd := exec.CommandContext(ctx, sh.Path, sh.Args[1:]...)
	cmd.Env = sh.Env
	cmd.WaitDelay = time.Millisecond // for what a killed shell leaves
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func must(script string) error {
	if script == "" {
		return nil
	}
	if status, said := run(script); status != 0 {
		return fmt.Errorf("%s: exits %d\n%s", script, status, said)
	}
	return nil
}

// whoRuns finds the shim and the init of the container.
func whoRuns() map[int]string {
	found := map[int]string{}
	for _, p := range rig.Look().Processes {
		pid, name, _ := strings.Cut(p, " ")
		if !strings.HasPrefix(name, "[lxc monitor]") {
			continue
		}
		found[atoi(pid)] = shim
		children, _ := filepath.Glob("/proc/" + pid + "/task/*/children")
		for _, file := range children {
			pids, _ := os.ReadFile(file)
			for _, pid := range strings.Fields(string(pids)) {
				found[atoi(pid)] = initial
			}
		}
	}
	return found
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

func itoa(n int) string { return strconv.Itoa(n) }
