package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const original = `# a comment

 lxc.include = /dev/null
not a key
lxc.group = a
  lxc.group = b
lxc.grouping
lxc.net.1.type = veth
lxc.net.1.link = br0
lxc.net.10.type = veth
lxc.uts.name = web
`

func TestSetAndClear(t *testing.T) {
	c, err := parsed(strings.Replace(original, "lxc.grouping\n", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []error{
		c.Set("lxc.group", "c"),
		c.Set("lxc.tty.max", "4"),
		c.Set("lxc.uts.name", ""),
		c.Clear("lxc.group"),
		c.Clear("lxc.net.1"),
		c.Set("lxc.group", "d"),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	want := "# a comment\n\n lxc.include = /dev/null\nnot a key\nlxc.net.10.type = veth\nlxc.uts.name = web\n" +
		"lxc.tty.max = 4\nlxc.uts.name =\nlxc.group = d\n"
	if got := c.Text().String(); got != want {
		t.Errorf("text =\n%s\nwant\n%s", got, want)
	}
	again, err := parsed(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.String(), again.String(); got != want {
		t.Errorf("the configuration is\n%s\nwant what its text says\n%s", got, want)
	}
	if err := c.Set("lxc.uts.name", "x\nlxc.autodev = 0"); err == nil || c.Text().String() != want {
		t.Errorf("Set of two lines: error %v; want one, and the text as it was", err)
	}
	if err := c.Set("lxc.autodev", "x"); err == nil || c.Text().String() != want {
		t.Errorf("Set of a bad value: error %v; want one, and the text as it was", err)
	}
}

func TestHardwareAddressIsKept(t *testing.T) {
	c, err := parsed("lxc.net.0.type = veth\nlxc.net.0.hwaddr = 00:16:3e:xx:xx:xx\n")
	if err != nil {
		t.Fatal(err)
	}
	got := c.Networks[0].HWAddr.V
	if strings.Contains(got, "x") || !strings.HasPrefix(got, "00:16:3e:") || len(got) != 17 {
		t.Errorf("hwaddr = %q; want the x filled in", got)
	}
	if want := "lxc.net.0.type = veth\nlxc.net.0.hwaddr = " + got + "\n"; c.Text().String() != want {
		t.Errorf("text = %q; want %q", c.Text(), want)
	}
	for range 100 {
		filled, _ := fillHWAddr("lxc.net.0.hwaddr", "xX:xx:xx:xx:xx:xx")
		if strings.IndexByte("02468ace", filled[1]) < 0 {
			t.Fatalf("fillHWAddr = %s; want an even second digit", filled)
		}
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "config", "old\n")
	if err := os.Chmod(file, 0o604); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, 12, 34); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("config", link); err != nil {
		t.Fatal(err)
	}
	c, _ := parsed("# kept\nlxc.uts.name = web\n")
	if err := c.Text().Save(link); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	if string(got) != "# kept\nlxc.uts.name = web\n" {
		t.Errorf("file = %q after Save", got)
	}
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		t.Fatal(err)
	}
	if st.Mode&0o777 != 0o604 || st.Uid != 12 || st.Gid != 34 {
		t.Errorf("after Save mode %o owner %d:%d; want 604 12:34", st.Mode&0o777, st.Uid, st.Gid)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is no link any more: %v %v", info, err)
	}
	fresh := filepath.Join(dir, "fresh")
	old := unix.Umask(0o027)
	err := c.Text().Save(fresh)
	unix.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(fresh); info.Mode().Perm() != 0o640 {
		t.Errorf("mode of a new file = %o; want 640", info.Mode().Perm())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestTextEmpty(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                true,
		"\n# lxc.uts.name = a\n":          true,
		"# x\nlxc.uts.name = a\n":         false,
		"lxc.include = /etc/lxc/x.conf\n": false,
	} {
		var got Text
		got.Append(text)
		if got.Empty() != want {
			t.Errorf("Empty of %q = %v; want %v", text, !want, want)
		}
	}
}
