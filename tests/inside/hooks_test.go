package inside

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gantry/tests/rig"
)

// hookDir holds the probe under the name of each hook, outside and in the
// rootfs: C LXC takes no operands for the start hook.
const hookDir = "/run/hooks/"

// traceDir is where the hooks write to; it is bound into the container.
const traceDir = "/run/trace"

// stages are the hooks of a story.
var stages = strings.Fields("pre-start pre-mount mount autodev start-host start stop post-stop destroy")

// did is the shell function that runs a command of a story and notes how it
// ended.
// Of a daemon that cannot be started, C LXC's monitor runs the last hooks behind
// lxc-start's back: fails waits for them.
const did = `did() {
	"$@" </dev/null >/run/case/out 2>&1
	set -- $? "$@"
	while [ "$fail" ] && pgrep -f '^.lxc monitor. /var/lib/lxc' >/dev/null; do sleep 0.01; done
	echo "order $*" >>/run/trace/log
}
fails() { fail=1; did "$@"; }
`

// followHooks tells a story twice, with either version of hooks, and gives
// what the hooks have noted.
func followHooks(t *testing.T, tools rig.Toolset, lines []string) view {
	t.Helper()
	v := view{}
	for _, version := range []string{"0", "1"} {
		config := []string{
			"lxc.hook.version = " + version,
			"lxc.mount.entry = " + traceDir + " run/trace none bind,create=dir 0 0",
			"lxc.net.0.type = veth",
			"lxc.net.0.link = rigbr0",
			"lxc.net.0.script.up = " + hookDir + "up",
			"lxc.net.0.script.down = " + hookDir + "down",
		}
		for _, stage := range stages {
			config = append(config, "lxc.hook."+stage+" = "+hookDir+stage)
		}
		before := rig.Look()
		tell(t, tools, append(config, lines...))
		trace(v, tools, "v"+version+" ")
		if err := before.Restore(); err != nil {
			t.Error(err)
		}
	}
	return v
}

// tell prepares a story and lets it happen, with an environment of its own.
func tell(t *testing.T, tools rig.Toolset, config []string) {
	t.Helper()
	script := prepare(t, config)
	probe, err := os.ReadFile(probeFile)
	err = errors.Join(err, os.RemoveAll(traceDir), os.MkdirAll(traceDir, 0o755), os.WriteFile(traceDir+"/log", nil, 0o666), os.Chmod(traceDir+"/log", 0o666))
	for _, dir := range []string{hookDir, lxcpath + "/c/rootfs" + hookDir} {
		err = errors.Join(err, os.RemoveAll(dir), os.MkdirAll(dir, 0o755), os.WriteFile(dir+"again", probe, 0o755))
		for _, name := range append(stages, "up", "down") {
			err = errors.Join(err, os.Link(dir+"again", dir+name))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	shell := tools.Shell(did + script)
	shell.Env = slices.DeleteFunc(shell.Env, func(v string) bool {
		return !strings.HasPrefix(v, "PATH=") && !strings.HasPrefix(v, "GANTRY_RIG=")
	})
	shell.CombinedOutput()
}

// changing is what differs in a trace from one time to the next.
var changing = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`LXC_ROOTFS_MOUNT=/(usr|run)\S*/lxc/rootfs`), "LXC_ROOTFS_MOUNT=MOUNT"},
	{regexp.MustCompile(`/proc/\d+/`), "/proc/PID/"},
	{regexp.MustCompile(`/fd/\d+`), "/fd/N"},
	{regexp.MustCompile(`LXC_PID=\d+`), "LXC_PID=N"},
	{regexp.MustCompile(`veth\w{6}`), "vethXXXXXX"},
	{regexp.MustCompile(`master:\d+`), "master"},
	{regexp.MustCompile(`shared:\d+`), "shared"},
	{regexp.MustCompile(`((?:socket|pipe|anon_inode)):\[\d+\]`), "$1"},
}

// trace adds the lines of the hooks' log to a view, by aspect.
func trace(v view, tools rig.Toolset, mark string) {
	text := strings.ReplaceAll(read(traceDir+"/log"), tools.Path(), "TOOLS")
	for _, k := range []string{"mnt", "pid", "uts", "ipc", "net", "user", "cgroup", "time"} {
		own, _ := os.Readlink("/proc/self/ns/" + k)
		text = strings.ReplaceAll(text, own, "outside's")
		text = regexp.MustCompile(k+`:\[\d+\]`).ReplaceAllString(text, "its own")
	}
	for _, c := range changing {
		text = c.pattern.ReplaceAllString(text, c.text)
	}
	for line := range strings.Lines(text) {
		aspect, rest, _ := strings.Cut(line, " ")
		v[aspect] += mark + rest
	}
}
