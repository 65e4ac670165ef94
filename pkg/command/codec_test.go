package command

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTableIsWhole(t *testing.T) {
	if got, want := len(table), 27; got != want {
		t.Fatalf("table has %d rows; want %d", got, want)
	}
	names := map[string]bool{}
	for n, row := range table {
		if row.name == "" || row.since == "" {
			t.Errorf("row %d is empty", n)
		}
		if names[row.name] {
			t.Errorf("%s stands twice", row.name)
		}
		names[row.name] = true
	}
	for n, want := range map[Number]string{GetTTYFD: "GET_TTY_FD", AddStateClient: "ADD_STATE_CLIENT", GetSystemdScope: "GET_SYSTEMD_SCOPE", 27: "command 27", -1: "command -1"} {
		if got := n.String(); got != want {
			t.Errorf("Number(%d).String() = %q; want %q", int(n), got, want)
		}
	}
}

// The bytes are those that LXC 5.0.2 was seen to send.
func TestWireFormat(t *testing.T) {
	cgroup := CgroupFD{Layout: Hybrid, Type: CgroupV1, FD: 0x22, Controller: "cpuacct"}.Append(nil)
	if got, want := cgroup[:24], []byte("\x01\x00\x00\x00\x00\x00\x00\x00\xeb\xe0\x27\x00\x22\x00\x00\x00cpuacct\x00"); !slices.Equal(got, want) {
		t.Errorf("CgroupFD.Append = %q; want %q", got, want)
	}
	ask := header{code: int32(GetConfigItem), size: 9, word: 0x55e324fb5bf9}.append(nil)
	if got, want := ask, []byte("\x07\x00\x00\x00\x09\x00\x00\x00\xf9\x5b\xfb\x24\xe3\x55\x00\x00"); !slices.Equal(got, want) {
		t.Errorf("header.append = %q; want %q", got, want)
	}
	for name, size := range map[string][2]int{
		"Wants":      {len(Wants{}.Append(nil)), 32},
		"LogRequest": {len(LogRequest{}.Append(nil)), 24},
		"Device":     {len(Device{}.Append(nil)), 40},
		"CgroupCtx":  {len(CgroupCtx{}.Append(nil)), 96},
		"Message":    {len(Message{}.Append(nil)), 264},
	} {
		if size[0] != size[1] {
			t.Errorf("%s takes %d bytes; want %d", name, size[0], size[1])
		}
	}
}

func TestRoundTrips(t *testing.T) {
	wants := Wants{Stopped: Notify, Running: Persist}
	if got, err := ParseWants(wants.Append(nil)); got != wants || err != nil {
		t.Errorf("ParseWants = %v, %v; want %v", got, err, wants)
	}
	log := LogRequest{Clear: true, Max: 1 << 40}
	if got, err := ParseLogRequest(log.Append(nil)); got != log || err != nil {
		t.Errorf("ParseLogRequest = %v, %v; want %v", got, err, log)
	}
	device := Device{Type: 'c', Major: 5, Minor: -1, Access: "rwm", Allow: true}
	if got, err := ParseDevice(device.Append(nil)); got != device || err != nil {
		t.Errorf("ParseDevice = %v, %v; want %v", got, err, device)
	}
	fd := CgroupFD{Layout: UnknownLayout, Utilities: 3, Type: CgroupV2, FD: -9, Controller: "memory"}
	if got, err := ParseCgroupFD(fd.Append(nil)); got != fd || err != nil {
		t.Errorf("ParseCgroupFD = %v, %v; want %v", got, err, fd)
	}
	ctx := CgroupCtx{Layout: Unified, Utilities: 1, FDs: []int32{7, 8}}
	if got, err := ParseCgroupCtx(ctx.Append(nil)); got.Layout != ctx.Layout || !slices.Equal(got.FDs, ctx.FDs) || err != nil {
		t.Errorf("ParseCgroupCtx = %v, %v; want %v", got, err, ctx)
	}
	message := Message{Type: ExitMessage, Name: "web", Value: 256}
	if got, err := ParseMessage(message.Append(nil)); got != message || err != nil {
		t.Errorf("ParseMessage = %v, %v; want %v", got, err, message)
	}
}

func TestStructuresOfOtherReleases(t *testing.T) {
	whole := CgroupFD{Layout: Unified, Controller: "pids"}.Append(nil)
	if got, err := ParseCgroupFD(whole[:24]); err != nil || got.Controller != "pids" {
		t.Errorf("ParseCgroupFD(24 bytes) = %v, %v; want controller pids", got, err)
	}
	longer := append(slices.Clone(whole), 0, 0)
	if got, err := ParseCgroupFD(longer); err != nil || got.Controller != "pids" {
		t.Errorf("ParseCgroupFD(82 bytes) = %v, %v; want controller pids", got, err)
	}
	longer[81] = 1
	if _, err := ParseCgroupFD(longer); !errors.Is(err, unix.E2BIG) {
		t.Errorf("ParseCgroupFD(82 bytes, not zero) = %v; want %v", err, unix.E2BIG)
	}
}

func TestStates(t *testing.T) {
	if got := MaxState.String(); got != "UNKNOWN" {
		t.Errorf("MaxState.String() = %q; want UNKNOWN", got)
	}
}

func TestAddress(t *testing.T) {
	// 105 bytes are the most that LXC does not hash.
	long := "/" + string(slices.Repeat([]byte("a"), 105-len("//n/command")))
	for _, c := range []struct{ lxcpath, name, want string }{
		{"/var/lib/lxc", "web", "/var/lib/lxc/web/command"},
		{long, "n", long + "/n/command"},
		{long + "a", "n", "lxc/" + hex16(fnv1a(long+"a/n")) + "/command"},
	} {
		if got := Address(c.lxcpath, c.name); got != c.want {
			t.Errorf("Address(%q, %q) = %q; want %q", c.lxcpath, c.name, got, c.want)
		}
	}
	// The same function names lxc-monitord's socket, whose hash is well known.
	if got, want := hex16(fnv1a("lxc//var/lib/lxc/monitor-sock")), "ad055575fe28ddd5"; got != want {
		t.Errorf("hash = %s; want %s", got, want)
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add(Wants{Running: Notify}.Append(nil))
	f.Add(LogRequest{Read: true}.Append(nil))
	f.Add(Device{Type: 'a', Access: "rwm"}.Append(nil))
	f.Add(CgroupFD{Controller: "memory"}.Append(nil))
	f.Add(CgroupCtx{FDs: []int32{1, 2, 3}}.Append(nil))
	f.Add(Message{Name: "web"}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := ParseWants(b); err == nil && !slices.Equal(w.Append(nil), b) {
			t.Errorf("ParseWants(%q) does not come back", b)
		}
		if r, err := ParseLogRequest(b); err == nil {
			if again, _ := ParseLogRequest(r.Append(nil)); again != r {
				t.Errorf("ParseLogRequest(%q) does not come back", b)
			}
		}
		if d, err := ParseDevice(b); err == nil {
			again, _ := ParseDevice(d.Append(nil))
			if again.Access = d.Access; again != d { // four letters lose one
				t.Errorf("ParseDevice(%q) does not come back", b)
			}
		}
		if c, err := ParseCgroupFD(b); err == nil {
			if again, _ := ParseCgroupFD(c.Append(nil)); again != c {
				t.Errorf("ParseCgroupFD(%q) does not come back", b)
			}
		}
		if c, err := ParseCgroupCtx(b); err == nil {
			if again, _ := ParseCgroupCtx(c.Append(nil)); !slices.Equal(again.FDs, c.FDs) {
				t.Errorf("ParseCgroupCtx(%q) does not come back", b)
			}
		}
		if m, err := ParseMessage(b); err == nil {
			again, _ := ParseMessage(m.Append(nil))
			if len(m.Name) < 256 && again != m {
				t.Errorf("ParseMessage(%q) does not come back", b)
			}
		}
		if len(b) >= headerSize {
			if got := parseHeader(b).append(nil); !slices.Equal(got, b[:headerSize]) {
				t.Errorf("header %q comes back as %q", b[:headerSize], got)
			}
		}
	})
}
