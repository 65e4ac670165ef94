package seccomp

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gantry/tests/rig"
)

// try starts a container with a policy and gives what becomes of calls in it.
func try(t *testing.T, tools rig.Toolset, policy string, list []call) []string {
	t.Helper()
	dir := filepath.Join(lxcpath, "probe")
	root := filepath.Join(dir, "rootfs")
	file := func(path, content string) error { return os.WriteFile(path, []byte(content), 0o755) }
	config := []string{
		"lxc.uts.name = probe", "lxc.rootfs.path = dir:" + root, "lxc.net.0.type = empty", "lxc.init.cmd = /probe", "lxc.cap.keep = none",
		"lxc.console.path = none", "lxc.tty.max = 0", "lxc.autodev = 0", "lxc.seccomp.profile = " + dir + "/policy",
		"lxc.seccomp.notify.proxy = unix:" + proxyPath, "lxc.seccomp.notify.cookie = probe",
	}
	err := errors.Join(os.RemoveAll(dir), os.MkdirAll(root+"/dev", 0o755), os.Mkdir(root+"/proc", 0o755), os.Mkdir(root+"/sys", 0o755),
		file(root+"/probe", string(program())), file(root+"/table", string(table(list))),
		file(dir+"/policy", policy), file(dir+"/config", strings.Join(config, "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(tools.Dir, "lxc-start"), "-F", "-n", "probe", "-l", "debug", "-o", dir+"/log").CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(dir + "/log")
		t.Fatalf("%s: lxc-start: %v\n%s%s", tools.Name, err, out, log)
	}
	b, err := os.ReadFile(root + "/table")
	if err != nil {
		t.Fatal(err)
	}
	return verdicts(b, list)
}

// TestVerdicts makes calls under C LXC's filters and under ours: the same becomes
// of them. Where a kernel does not take calls of i386 (ia32_emulation=off, some
// virtual machines) all of those end by SIGSEGV, in either case.
func TestVerdicts(t *testing.T) {
	rig.Watch(t)
	decide(t)
	list := calls(attempts)
	all := policies(t)
	if len(all) < 12 || len(list) < 100 {
		t.Errorf("%d policies and %d calls; want 12 and more than 100", len(all), len(list))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			policy := all[name]
			want, got := try(t, rig.Real(), policy, list), try(t, rig.Ours(), policy, list)
			for i, c := range list {
				if got[i] != want[i] {
					t.Errorf("%s: %s; C LXC: %s", c, got[i], want[i])
				}
				if want[i] == "not tried" {
					t.Errorf("%s was not tried", c)
				}
			}
			t.Log(census(list, want))
		})
	}
}

// census counts the verdicts.
func census(list []call, got []string) string {
	count := map[string]int{}
	for i, c := range list {
		count[c.abi+" "+got[i]]++
	}
	var lines []string
	for what, n := range count {
		lines = append(lines, what+" x "+itoa(n))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}
