package handover

import (
	"io"
	"os"
	"reflect"
	"testing"

	"gantry/internal/sys"
)

func TestSendReceive(t *testing.T) {
	a, b, err := sys.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	want := &State{
		Prog: "lxc-start", Name: "we\"b\n", LXCPath: "/var/lib/lxc", InitPid: 42, CloneFlags: 1 << 63, StopSignal: 9,
		Foreground: true, Finish: true, ConsoleSize: 1 << 40, ConsoleRotate: true, ConsoleBuffer: 4096,
		PidFile: "p", LogLevel: 3, Syslog: "daemon", MonitorFifo: "f", Decider: "@d", Cookie: "c", SignalMask: 1 << 63, Cgroup: []string{"a b", "c"}, Answers: Extent{1, 2}, Plan: Extent{3, 4},
	}
	if err := Send(a, want, Files{Console: w, TTY + "1": r}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	a.Close()
	got, files, err := Receive(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("received %+v; want %+v", got, want)
	}
	files[Console].WriteString("through")
	files[Console].Close()
	if text, _ := io.ReadAll(files[TTY+"1"]); string(text) != "through" {
		t.Errorf("pipe gave %q; want what was written to its other end", text)
	}
	if _, _, err := Receive(b); err != ErrNothing {
		t.Errorf("second Receive: %v; want ErrNothing", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(string(encode(&State{Name: "x"}, []string{Console})))
	f.Fuzz(func(t *testing.T, text string) {
		s, names, err := decode(text)
		if err != nil {
			return
		}
		again, _, err := decode(string(encode(s, names)))
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("decode(encode(%+v)) = %+v, %v", s, again, err)
		}
	})
}
