package create

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gantry/pkg/container"

	"golang.org/x/sys/unix"
)

// made gives a container with a rootfs and this configuration.
func made(t *testing.T, config ...string) *container.Container {
	t.Helper()
	c := creator(t, "c")
	write(t, c, "config", "lxc.rootfs.path = dir:"+c.Dir()+"/rootfs\n"+strings.Join(config, "\n")+"\n")
	if err := os.MkdirAll(c.Dir()+"/rootfs/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	return c
}

func vanished(t *testing.T, c *container.Container) bool {
	t.Helper()
	_, err := os.Lstat(c.Dir())
	return errors.Is(err, os.ErrNotExist)
}

func TestDestroy(t *testing.T) {
	c := made(t)
	if err := container.Destroy(c, container.DestroyOptions{}); err != nil || !vanished(t, c) {
		t.Errorf("Destroy = %v; want the container gone", err)
	}
	if err := container.Destroy(c, container.DestroyOptions{}); !errors.Is(err, container.ErrNotDefined) {
		t.Errorf("Destroy of nothing = %v; want ErrNotDefined", err)
	}
	text(t, c.LXCPath+"/file", "", 0o644)
	c.Name = "file"
	if err := container.Destroy(c, container.DestroyOptions{}); !errors.Is(err, container.ErrNotDefined) || vanished(t, c) {
		t.Errorf("Destroy of a file = %v; want container.ErrNotDefined, and the file kept", err)
	}
}

func TestDestroyIsRefusedByAMount(t *testing.T) {
	c := made(t)
	host := t.TempDir()
	text(t, host+"/file", "", 0o644)
	at := c.Dir() + "/rootfs/etc"
	if err := unix.Mount(host, at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(at, unix.MNT_DETACH) })
	if err := container.Destroy(c, container.DestroyOptions{}); err == nil || !strings.Contains(err.Error(), at) {
		t.Errorf("Destroy = %v; want an error naming %s", err, at)
	}
	if got := listing(t, host); len(got) != 1 || !c.Defined() {
		t.Errorf("after that: %v on the host, defined %v; want all as it was", got, c.Defined())
	}
	if err := c.Open(); err != nil || !c.Defined() {
		t.Errorf("the next Open = %v, defined %v; want the container kept", err, c.Defined())
	}
}

func TestDestroyHooks(t *testing.T) {
	out := t.TempDir() + "/out"
	hook := "lxc.hook.destroy = /bin/sh -c 'echo $LXC_NAME $LXC_ROOTFS_PATH \"$@\" >> " + out + "' sh"
	c := made(t, hook)
	if err := container.Destroy(c, container.DestroyOptions{}); err != nil || !vanished(t, c) {
		t.Errorf("Destroy = %v; want the container gone", err)
	}
	if got, want := read(t, out), "c "+c.Dir()+"/rootfs c lxc destroy\n"; got != want {
		t.Errorf("the hook got %q; want %q", got, want)
	}
	c = made(t, "lxc.hook.destroy = /bin/false")
	if err := container.Destroy(c, container.DestroyOptions{}); err == nil || !c.Defined() {
		t.Errorf("Destroy against its hook's will = %v, defined %v; want an error", err, c.Defined())
	}
}

func TestDestroyUnmanaged(t *testing.T) {
	c := made(t, "lxc.rootfs.managed = 0")
	if err := container.Destroy(c, container.DestroyOptions{}); err != nil || !c.Defined() {
		t.Errorf("Destroy = %v, defined %v; want nil, and all kept", err, c.Defined())
	}
}

// Of those who destroy a container at the same time one does. The others find it
// gone, and say so in the words scripts look for.
func TestDestroyAtOnce(t *testing.T) {
	for range 20 {
		c := made(t)
		results := make(chan error)
		for range 6 {
			same := *c // each loads the configuration for itself
			go func() { results <- container.Destroy(&same, container.DestroyOptions{}) }()
		}
		done := 0
		for range 6 {
			switch err := <-results; {
			case err == nil:
				done++
			case !errors.Is(err, container.ErrNotDefined):
				t.Errorf("Destroy = %v; want nil or %v", err, container.ErrNotDefined)
			}
		}
		if done != 1 || !vanished(t, c) {
			t.Errorf("%d have destroyed the container", done)
		}
	}
}

func TestDestroyClones(t *testing.T) {
	c := made(t)
	clone := made(t)
	clone.LXCPath, clone.Name = c.LXCPath, "clone"
	write(t, clone, "config", "")
	write(t, clone, "lxc_rdepends", c.LXCPath+"\nc\n")
	for _, list := range []string{"1\n", c.LXCPath + "\nclone\n"} {
		write(t, c, "lxc_snapshots", list)
		for _, o := range []container.DestroyOptions{{}, {Force: true, Snapshots: true}} {
			if err := container.Destroy(c, o); err == nil || !strings.Contains(err.Error(), "c has clones") || !c.Defined() || !clone.Defined() {
				t.Errorf("Destroy(%+v) with the clones %q = %v; want it refused", o, list, err)
			}
		}
	}
	for _, c := range []*container.Container{clone, c} {
		if err := container.Destroy(c, container.DestroyOptions{}); err != nil || !vanished(t, c) {
			t.Errorf("Destroy of %s, one after the other = %v; want it gone", c.Name, err)
		}
	}
}

func TestDestroySnapshots(t *testing.T) {
	c := made(t)
	write(t, c, "x", "")
	if err := os.MkdirAll(c.Dir()+"/snaps/snap0", 0o755); err != nil {
		t.Fatal(err)
	}
	text(t, c.Dir()+"/snaps/snap0/config", "", 0o640)
	if err := container.Destroy(c, container.DestroyOptions{Force: true}); err == nil || !strings.Contains(err.Error(), "c has snapshots") || !c.Defined() {
		t.Errorf("Destroy with a snapshot = %v; want it refused", err)
	}
	if err := os.MkdirAll(c.Dir()+"/snaps/strange", 0o755); err != nil {
		t.Fatal(err)
	}
	text(t, c.Dir()+"/snaps/strange/file", "", 0o640)
	if err := container.Destroy(c, container.DestroyOptions{Snapshots: true}); err == nil || !strings.Contains(err.Error(), "snapshot strange: ") || len(listing(t, c.Dir()+"/snaps")) != 2 {
		t.Errorf("Destroy with a directory that is no snapshot = %v; want it refused, and all kept", err)
	}
	if err := os.RemoveAll(c.Dir() + "/snaps/strange"); err != nil {
		t.Fatal(err)
	}
	if err := container.Destroy(c, container.DestroyOptions{Snapshots: true}); err != nil || !vanished(t, c) {
		t.Errorf("Destroy with its snapshot = %v; want both gone", err)
	}
}

// A destruction that died half way is finished by whoever comes next.
func TestDestroyKilled(t *testing.T) {
	keep := t.TempDir()
	text(t, keep+"/file", "", 0o644)
	plant := func() *container.Container {
		c := made(t)
		for i := range 400 {
			dir := filepath.Join(c.Dir(), "rootfs", strconv.Itoa(i%30))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			text(t, filepath.Join(dir, strconv.Itoa(i)), "", 0o644)
		}
		if err := os.Symlink(keep, c.Dir()+"/rootfs/link"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	whole := time.Hour
	for range 3 {
		c := plant()
		began := time.Now()
		if err := child(t, "destroy", c).Wait(); err != nil {
			t.Fatal(err)
		}
		whole = min(whole, time.Since(began))
	}
	const times = 30
	unfinished := 0
	for i := range times {
		c := plant()
		cmd := child(t, "destroy", c)
		time.Sleep(whole * time.Duration(i) / times)
		cmd.Process.Kill()
		cmd.Wait()
		if _, err := os.Stat(c.Dir() + "/partial"); err == nil {
			unfinished++
		} else if c.Defined() {
			if got := listing(t, c.Dir()+"/rootfs"); len(got) != 32 {
				t.Errorf("%d entries left of a container that is not marked", len(got))
			}
			continue
		}
		if err := c.Open(); err != nil {
			t.Fatal(err)
		}
		err := container.Destroy(c, container.DestroyOptions{})
		os.Remove(c.Dir()) // empty and unmarked, if the kill fell between the last two steps
		if !errors.Is(err, container.ErrNotDefined) || !vanished(t, c) {
			t.Errorf("Destroy once more = %v; want container.ErrNotDefined, and nothing left", err)
		}
	}
	if unfinished == 0 {
		t.Error("no kill hit an unfinished destruction: the test shows nothing")
	}
	if got := listing(t, keep); !slices.Equal(got, []string{"file"}) {
		t.Errorf("a link was followed: %v", got)
	}
}
