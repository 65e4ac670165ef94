package rig

import (
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Enter()
	os.Exit(m.Run())
}

func TestSmallMachine(t *testing.T) {
	for file, want := range map[string]string{
		"/proc/1/cgroup":            "/init.scope",
		"/etc/lxc/default.conf":     "lxc.net.0.type = empty",
		"/proc/sys/kernel/hostname": "rig",
	} {
		data, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s = %q, %v; want %q in it", file, data, err, want)
		}
	}
	if got := links(); len(got) == 0 || got[0] != "lo" || strings.Contains(strings.Join(got, " "), "eth") {
		t.Errorf("links = %v; want lo and no eth0", got)
	}
	for _, dir := range []string{"/var/lib/lxc", "/var/log/lxc", "/run/lxc"} {
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("%s holds %v; want nothing", dir, entries)
		}
	}
}

func TestRealStart(t *testing.T) {
	Watch(t)
	out, err := Real().Shell(`set -e
define c; lxc-start c; ready c; lxc-info -sH c; lxc-attach c -- hostname
on-tty 'exit'='\x01q' -- lxc-console -n c -t 0
lxc-stop c; lxc-destroy c; ls -A /var/lib/lxc`).CombinedOutput()
	want := "RUNNING\nc\n"
	if err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("start, attach, console, stop and destroy by LXC: %v, got %q; want %q first", err, out, want)
	}
}

func TestOnTTY(t *testing.T) {
	for _, c := range []struct {
		script, want string
		status       int
	}{
		{`on-tty -- sh -c 'test -t 0 && stty size; exit 3'`, "24 80\n", 3},
		{`on-tty 'name? '='ann\n' -- sh -c 'stty -echo; printf "name? "; read n; echo hi $n'`, "name? hi ann\n", 0},
		{`on-tty -- sh -c 'kill -TERM $$'`, "", 143},
	} {
		cmd := Real().Shell(c.script)
		out, _ := cmd.Output()
		if got := cmd.ProcessState.ExitCode(); got != c.status || string(out) != c.want {
			t.Errorf("%s = %q, %d; want %q, %d", c.script, out, got, c.want, c.status)
		}
	}
}
