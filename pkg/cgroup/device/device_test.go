package device

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gantry/pkg/cgroup"
	"gantry/pkg/plan"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// unified gives a container's cgroup of version 2, removed after the test.
func unified(t *testing.T) *cgroup.Set {
	t.Helper()
	host, err := cgroup.Detect(plan.Cgroup{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range host.Hierarchies {
		if h.Version != 2 {
			continue
		}
		h.Controllers = nil // none is needed, none enabled
		host = cgroup.Host{Layout: cgroup.Unified, Hierarchies: []cgroup.Hierarchy{h}}
		s, err := host.Create(plan.Cgroup{}, "gantry-test-device-"+strconv.Itoa(os.Getpid()), "/p/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(s.RemovePayload(5*time.Second), s.RemoveMonitor(time.Second)); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	t.Fatal("no hierarchy of version 2")
	return nil
}

// may tries to open devices from within the container's cgroup: a letter of
// the result for each, r w or b for both, - for neither.
func may(t *testing.T, s *cgroup.Set, devices ...string) string {
	t.Helper()
	h, _ := s.Unified()
	dir, err := cgroup.Open(h.Dir(s.Payload))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	const script = `for d; do
	a=-
	(exec <$d) 2>&- && a=r
	(exec >$d) 2>&- && { [ $a = r ] && a=2 || a=w; }
	(exec <>$d) 2>&- && a=b
	printf %s $a
done`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, devices...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	var out strings.Builder // exec's own /dev/null would be denied
	stdin, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func keys(lines ...string) plan.Cgroup {
	var c plan.Cgroup
	for i, line := range lines {
		action, value, _ := strings.Cut(line, " ")
		file := "devices." + action
		c.Unified = append(c.Unified, plan.CgroupWrite{File: file, Value: value, Origin: plan.Origin{File: "web.conf", Line: i + 1, Key: "lxc.cgroup2." + file}})
	}
	return c
}

func TestLimit(t *testing.T) {
	s := unified(t)
	for _, test := range []struct {
		rules string
		want  string // for null, zero, full
	}{
		{"", "bbb"},
		{"deny a", "---"},
		{"deny a|allow c 1:3 rwm", "b--"},
		{"allow c 1:3 rwm", "b--"},
		{"deny a|allow c *:* r|allow c 1:5 w", "rbr"},
		{"allow a|deny c 1:5 w", "brb"},
		{"allow a|deny c 1:* rwm|allow /dev/full r", "--r"},
		{"deny a|allow c 1:3 rwm|deny c 1:3 w", "r--"},
		{"deny a|allow c 1:3 r|allow c *:3 w", "b--"},
		{"deny a|allow b *:* rwm", "---"},
		{"deny a|allow c 1:3 rwm|allow a", "bbb"},
	} {
		var c plan.Cgroup
		if test.rules != "" {
			c = keys(strings.Split(test.rules, "|")...)
		}
		if err := Limit(s, c, nil); err != nil {
			t.Fatalf("%s: %v", test.rules, err)
		}
		if got := may(t, s, "/dev/null", "/dev/zero", "/dev/full"); got != test.want {
			t.Errorf("%s: access to null zero full is %s; want %s", test.rules, got, test.want)
		}
	}
}

// Rules added to a running container replace the program; they do not pile up.
func TestUpdate(t *testing.T) {
	s := unified(t)
	if err := Limit(s, keys("deny a", "allow c 1:3 rwm"), nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.Devices.Add(cgroup.DeviceRule{Allow: true, Type: 'c', Major: 1, Minor: 5, Access: "rwm"})
		again, err := cgroup.Parse(s.Lines()) // as it comes back from the shim
		if err != nil {
			t.Fatal(err)
		}
		if err := Update(again); err != nil {
			t.Fatal(err)
		}
	}
	if got := may(t, s, "/dev/null", "/dev/zero", "/dev/full"); got != "bb-" {
		t.Errorf("access to null zero full is %s; want bb-", got)
	}
	h, _ := s.Unified()
	dir, err := cgroup.Open(h.Dir(s.Limit))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	result, err := link.QueryPrograms(link.QueryOptions{Target: int(dir.Fd()), Attach: ebpf.AttachCGroupDevice})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Programs) != 1 {
		t.Errorf("%d programs are attached; want 1", len(result.Programs))
	}
}

func TestMknod(t *testing.T) {
	s := unified(t)
	if err := Limit(s, keys("deny a", "allow c 1:5 rw"), nil); err != nil {
		t.Fatal(err)
	}
	h, _ := s.Unified()
	dir, err := cgroup.Open(h.Dir(s.Payload))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, test := range []struct {
		args []string
		ok   bool
	}{{[]string{"p"}, true}, {[]string{"c", "1", "5"}, false}} {
		cmd := exec.Command("mknod", append([]string{t.TempDir() + "/node"}, test.args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
		stdin, err := os.Open("/")
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdin, stdin
		if err := cmd.Run(); (err == nil) != test.ok {
			t.Errorf("mknod %v: %v; want success %v", test.args, err, test.ok)
		}
	}
}

func TestBadRule(t *testing.T) {
	err := Limit(unified(t), keys("deny a", "allow c 1"), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "web.conf:2: lxc.cgroup2.devices.allow: ") {
		t.Errorf("Limit = %v; want an error that names web.conf:2", err)
	}
}

func TestNotUnified(t *testing.T) {
	if err := Update(&cgroup.Set{Host: cgroup.Host{Layout: cgroup.Hybrid}}); err == nil {
		t.Error("Update on a hybrid host succeeded")
	}
}
