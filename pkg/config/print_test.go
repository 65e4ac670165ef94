package config

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gantry/pkg/plan"
)

// parsed reads a text.
func parsed(text string) (*Config, error) {
	c := New("/mnt")
	err := c.Parse("config", text)
	return c, err
}

// bare takes out what a printed configuration need not bring back: lines and origins.
func bare(c *Config) *Config {
	c.text = Text{}
	forget(reflect.ValueOf(c).Elem())
	return c
}

func forget(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[plan.Origin]():
		v.SetZero()
	case v.Kind() == reflect.Pointer && !v.IsNil():
		forget(v.Elem())
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				forget(v.Field(i))
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/getters")
	if err != nil {
		f.Fatal(err)
	}
	for _, row := range splitLines(string(data)) {
		lines, _, _ := strings.Cut(row, " => ")
		f.Add(strings.ReplaceAll(lines, ";", "\n"))
	}
	f.Add("lxc.uts.name = \"'x'\"\nlxc.group = \" a \"\nlxc.apparmor.raw = \"\ta\r\"")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "lxc.include") {
			return // reads other files
		}
		c, err := parsed(text)
		if err != nil {
			return
		}
		printed := c.String()
		again, err := parsed(printed)
		if err != nil {
			t.Fatalf("parse(print(c)): %v\nprinted:\n%s", err, printed)
		}
		if got, want := again.Answers(), c.Answers(); !slices.Equal(got, want) {
			t.Errorf("Answers of parse(print(c)) = %q; want %q\nprinted:\n%s", got, want, printed)
		}
		if got, want := bare(again), bare(c); !reflect.DeepEqual(got, want) {
			t.Errorf("parse(print(c)) = %+v; want %+v\nprinted:\n%s", got, want, printed)
		}
	})
}

func TestPrint(t *testing.T) {
	text := `lxc.autodev = 0
lxc.cap.keep = none
lxc.cap.keep = kill
lxc.cgroup.memory.limit_in_bytes = 1G
lxc.cgroup2.memory.max = 1G
lxc.console.buffer.size = 131072
lxc.environment = A=b c
lxc.idmap = u 0 100000 65536
lxc.monitor.signal.pdeath = 0
lxc.mount.auto = proc:mixed cgroup:rw:force shmounts:/a:/dev/.lxc-mounts
lxc.namespace.keep = net user
lxc.net.0.type = veth
lxc.net.0.flags = up
lxc.net.0.ipv4.address = 10.0.0.5/24 10.0.0.255
lxc.net.0.veth.vlan.id = none
lxc.prlimit.nofile = 1024:unlimited
lxc.rootfs.mount =
lxc.rootfs.path = dir:/a
lxc.time.offset.boot = -7200s
lxc.uts.name = "'quoted'"
`
	c, err := parsed(text)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(text, "net user", "user net", 1)
	if got := c.String(); got != want {
		t.Errorf("String() =\n%s\nwant\n%s", got, want)
	}
	if got := New("/mnt").String(); got != "" {
		t.Errorf("String() of a new configuration = %q; want nothing", got)
	}
}

func TestAnswers(t *testing.T) {
	c, err := parsed("lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\nlxc.cgroup2.pids.max = 5\nlxc.uts.name = web\n")
	if err != nil {
		t.Fatal(err)
	}
	answers := c.Answers()
	if !slices.IsSortedFunc(answers, func(a, b Answer) int { return strings.Compare(a.Key, b.Key) }) {
		t.Errorf("Answers() are not sorted: %q", answers)
	}
	for _, want := range []Answer{
		{"lxc.cgroup2", "lxc.cgroup2.pids.max = 5\n"},
		{"lxc.cgroup2.pids.max", "5\n"},
		{"lxc.net", "veth\n"},
		{"lxc.net.0.type", "veth"},
		{"lxc.net.0.veth.mode", "bridge"},
		{"lxc.net.0.link", "lxcbr0"},
		{"lxc.namespace.share.net", "(null)"},
		{"lxc.tty.max", "0"},
		{"lxc.uts.name", "web"},
	} {
		if !slices.Contains(answers, want) {
			t.Errorf("Answers() has no %q", want)
		}
	}
	for _, a := range answers {
		if got, err := c.Get(a.Key); err != nil || got != a.Value {
			t.Errorf("Get(%s) = %q, %v; want %q as in Answers", a.Key, got, err, a.Value)
		}
	}
}

func TestTablesAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(keys, func(a, b key[Config]) int { return strings.Compare(a.name, b.name) }) {
		t.Error("keys are not sorted by name")
	}
	if !slices.IsSortedFunc(netKeys, func(a, b key[Network]) int { return strings.Compare(a.name, b.name) }) {
		t.Error("netKeys are not sorted by name")
	}
}

// The names an item has in itself must be those of its row.
func TestFamilyNames(t *testing.T) {
	for _, k := range keys {
		var name string
		switch f := k.item.(type) {
		case *family[string]:
			name = f.name
		case *family[Limit]:
			name = f.name
		default:
			continue
		}
		if name != k.name {
			t.Errorf("the family %s calls itself %s", k.name, name)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := strings.Repeat("lxc.uts.name = c1\nlxc.cap.drop = sys_time mac_admin\nlxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\n"+
		"lxc.cgroup2.memory.max = 1G\nlxc.tty.max = 4\n# comment\n\n", 10)
	for b.Loop() {
		if _, err := parsed(text); err != nil {
			b.Fatal(err)
		}
	}
}
