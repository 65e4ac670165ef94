package storage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// container makes LXCPATH/c with a rootfs in it.
func container(t *testing.T, more ...string) Container {
	t.Helper()
	root := plant(t, append(more, "lxc/c/config", "lxc/c/rootfs/bin/sh", "lxc/c/x.log")...)
	return Container{LXCPath: root + "/lxc", Name: "c", Rootfs: Rootfs{"dir", root + "/lxc/c/rootfs"}}
}

func TestDestroy(t *testing.T) {
	c := container(t)
	must(t, c.Destroy())
	if there(c.dir()) {
		t.Error("the container directory is still there")
	}
}

func TestDestroyLeavesForeignTrees(t *testing.T) {
	c := container(t, "srv/rootfs/file", "srv/other/file")
	c.Rootfs.Path = filepath.Join(c.LXCPath, "../srv/rootfs")
	must(t, c.Destroy())
	if there(c.dir()) || !there(c.Rootfs.Path+"/file") {
		t.Error("want the container gone and the tree that was not made for it kept")
	}

	c = container(t, "srv/rootfs/file", "srv/other/file")
	c.Rootfs.Path = filepath.Join(c.LXCPath, "../srv/rootfs")
	p, err := Mark(c.dir())
	must(t, err)
	must(t, WriteCreated(p, c.Rootfs.Path, c.LXCPath+"/../srv/other"))
	must(t, p.Remove())
	must(t, c.Destroy())
	if there(c.Rootfs.Path) || !there(c.LXCPath+"/../srv/other/file") {
		t.Error("want the tree that was made for it gone and the other kept")
	}
}

func TestDestroyKeepsSnapshots(t *testing.T) {
	c := container(t, "lxc/c/snaps/snap0/config")
	must(t, c.Destroy())
	entries, err := os.ReadDir(c.dir())
	if err != nil || len(entries) != 1 || entries[0].Name() != "snaps" {
		t.Errorf("left: %v, %v; want snaps alone", entries, err)
	}
}

func TestDestroyRefusesOtherTypes(t *testing.T) {
	c := container(t)
	c.Rootfs = Rootfs{"zfs", "lxc/c"}
	if err := c.Destroy(); err == nil {
		t.Error("Destroy of a zfs container = nil; want an error")
	}
	if !there(c.dir()+"/rootfs/bin/sh") || there(c.dir()+"/partial") {
		t.Error("a refused Destroy left its marks")
	}
}

func TestDestroyThroughALink(t *testing.T) {
	c := container(t)
	must(t, os.Rename(c.dir(), c.LXCPath+"/../moved"), os.Symlink("../moved", c.name()))
	must(t, c.Destroy())
	if there(c.name()) || there(c.LXCPath+"/../moved") {
		t.Error("want the link and the container's directory gone")
	}
}

// A process that died in the middle leaves the marker without its lock.
func TestClearFinishesADestroy(t *testing.T) {
	c := container(t)
	p, err := Mark(c.dir(), c.dir())
	must(t, err)
	if _, err := Abandoned(c.dir()); !errors.Is(err, ErrBusy) {
		t.Errorf("Abandoned while its process lives = %v; want ErrBusy", err)
	}
	if _, err := Mark(c.dir()); !errors.Is(err, ErrBusy) {
		t.Errorf("a second Mark = %v; want ErrBusy", err)
	}
	must(t, p.file.Close(), os.RemoveAll(c.dir()+"/rootfs/bin"))
	p, err = Abandoned(c.dir())
	if err != nil || p == nil {
		t.Fatalf("Abandoned = %v, %v; want the marker", p, err)
	}
	must(t, c.Clear(p))
	if there(c.dir()) {
		t.Error("the container directory is still there")
	}
	if p, err := Abandoned(c.dir()); p != nil || err != nil {
		t.Errorf("Abandoned of nothing = %v, %v; want nil, nil", p, err)
	}
}

// What was there before lxc-create is not lxc-create's to delete.
func TestClearLeavesWhatWasThere(t *testing.T) {
	c := container(t, "srv/rootfs/file")
	p, err := Mark(c.dir())
	must(t, err, p.Add(c.dir()+"/rootfs"), p.file.Close())
	p, err = Abandoned(c.dir())
	must(t, err, c.Clear(p))
	for name, want := range map[string]bool{"config": false, "rootfs": false, "partial": false, "x.log": true} {
		if got := there(filepath.Join(c.dir(), name)); got != want {
			t.Errorf("%s there = %v; want %v", name, got, want)
		}
	}
}

// C LXC's marker is an empty file without permissions.
func TestClearOfLXCsMarker(t *testing.T) {
	c := container(t)
	must(t, os.WriteFile(c.dir()+"/partial", nil, 0))
	p, err := Abandoned(c.dir())
	must(t, err, c.Clear(p))
	if there(c.dir()) {
		t.Error("the container directory is still there")
	}
}

func TestDestroyTellsThoseItDependsOn(t *testing.T) {
	c := container(t, "lxc/base/config", "lxc/root/config")
	var locked []Ref
	c.Lock = func(r Ref) (func(), error) { locked = append(locked, r); return func() {}, nil }
	base, root := Ref{c.LXCPath, "base"}, Ref{c.LXCPath, "root"}
	write := func(name, file string, refs ...Ref) {
		text := ""
		for _, r := range refs {
			text += r.LXCPath + "\n" + r.Name + "\n"
		}
		must(t, os.WriteFile(filepath.Join(c.LXCPath, name, file), []byte(text), 0o644))
	}
	write("c", dependsName, base, root)
	write("base", clonesName, Ref{c.LXCPath, "c"})
	write("root", clonesName, Ref{c.LXCPath, "c"}, Ref{c.LXCPath, "d"})
	must(t, c.Destroy())
	if there(c.LXCPath + "/base/" + clonesName) {
		t.Error("base still has a clone")
	}
	if got, err := Clones(c.LXCPath + "/root"); err != nil || !slices.Equal(got, []string{c.LXCPath + "/d"}) {
		t.Errorf("clones of root = %v, %v; want d alone", got, err)
	}
	if !slices.Equal(locked, []Ref{base, root}) {
		t.Errorf("locked %v; want %v", locked, []Ref{base, root})
	}
}

func TestTypes(t *testing.T) {
	tests := []struct{ bdev, options, want, fault string }{
		{"", "dir", "dir", ""},
		{"none", "", "dir", ""},
		{"loop", "fstype fssize", "loop", ""},
		{"zfs,dir", "dir zfsroot", "zfs dir", ""},
		{"best", "zfsroot dir fssize", "btrfs zfs lvm dir rbd", ""},
		{"zfs", "dir", "", "--dir is only valid with -B dir"},
		{"", "fssize", "", "--fssize is only valid with -B lvm or rbd or loop"},
		{"", "lvname", "", "--lvname is only valid with -B lvm"},
		{"dir,", "", "", " is not a valid backing storage type (one of dir zfs lvm rbd btrfs overlay overlayfs loop nbd best none)"},
	}
	for _, test := range tests {
		types, err := Types(test.bdev, strings.Fields(test.options))
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if got := strings.Join(types, " "); got != test.want || fault != test.fault {
			t.Errorf("Types(%s, %s) = %s, %q; want %s, %q", test.bdev, test.options, got, fault, test.want, test.fault)
		}
	}
}

func TestCreate(t *testing.T) {
	path := t.TempDir() + "/a/rootfs"
	p, err := Mark(t.TempDir())
	must(t, err)
	for _, wantMade := range []bool{true, false} {
		r, made, err := Create(p, bestTypes(), path)
		if err != nil || made != wantMade || r != (Rootfs{"dir", path}) {
			t.Errorf("Create = %v, %v, %v; want dir:%s, %v", r, made, err, path, wantMade)
		}
	}
	if _, _, err := Create(p, []string{"zfs", "lvm"}, path); err == nil {
		t.Error("Create of zfs or lvm = nil; want an error")
	}
}

// A process that dies between mkdir and marker leaves an empty directory.
func TestUnmarkedDirectories(t *testing.T) {
	c := container(t)
	ours, theirs, full := c.LXCPath+"/ours", c.LXCPath+"/theirs", c.LXCPath+"/full"
	must(t, Mkdir(ours), os.Mkdir(theirs, 0o770), Mkdir(full), os.WriteFile(full+"/file", nil, 0o644))
	for dir, want := range map[string]bool{ours: false, theirs: true, full: true} {
		if p, err := Abandoned(dir); p != nil || err != nil {
			t.Errorf("Abandoned(%s) = %v, %v; want nil, nil", dir, p, err)
		}
		if got := there(dir); got != want {
			t.Errorf("%s there = %v; want %v", dir, got, want)
		}
	}
}

// What was made outside goes; of the directories above, what is empty.
func TestClearOutside(t *testing.T) {
	c := container(t)
	outside := t.TempDir()
	p, err := Mark(c.dir())
	must(t, err)
	for _, tree := range []string{"/a/b/rootfs", "/c/rootfs"} {
		if made, err := p.Mkdir(outside + tree); !made || err != nil {
			t.Fatalf("Mkdir = %v, %v", made, err)
		}
		must(t, os.WriteFile(outside+tree+"/file", nil, 0o644))
	}
	must(t, p.write(Made{Path: outside + "/d"}), Mkdir(outside+"/d")) // died here
	must(t, p.write(Made{Path: outside + "/e"}), os.Mkdir(outside+"/e", 0o755))
	must(t, os.WriteFile(outside+"/a/theirs", nil, 0o644))
	must(t, c.Clear(p))
	for path, want := range map[string]bool{"/a/b": false, "/a/theirs": true, "/c": false, "/d": false, "/e": true} {
		if got := there(outside + path); got != want {
			t.Errorf("%s there = %v; want %v", path, got, want)
		}
	}
	if there(c.dir()+"/config") || !there(c.dir()+"/x.log") {
		t.Error("want the config gone and the rest of the directory kept")
	}
}

// A file system without nameless files has drafts; that of a dead process is
// taken over, or goes with the marker.
func TestDraft(t *testing.T) {
	dir := t.TempDir()
	d, err := namedDraft(dir)
	must(t, err)
	if other, err := namedDraft(dir); !errors.Is(err, ErrBusy) {
		t.Errorf("a second draft = %v, %v; want ErrBusy", other, err)
	}
	if p, err := Abandoned(dir); p != nil || err != nil || !there(dir+"/"+draftName) {
		t.Errorf("Abandoned = %v, %v; want the draft kept", p, err)
	}
	must(t, d.file.Close())
	if d, err = namedDraft(dir); err != nil {
		t.Fatalf("a draft after a dead one = %v", err)
	}
	must(t, d.file.Close())
	if p, err := Abandoned(dir); p != nil || err != nil || there(dir+"/"+draftName) {
		t.Errorf("Abandoned = %v, %v; want the draft gone", p, err)
	}
	d, err = namedDraft(dir)
	must(t, err, d.link(dir+"/"+partialName), d.file.Close())
	p, err := Abandoned(dir)
	must(t, err, p.Remove())
	if there(dir+"/"+draftName) || there(dir+"/"+partialName) {
		t.Error("want both names of the marker gone")
	}
}

// Who destroys is told what to delete, not what to create instead.
func TestDestroyOfAnotherStore(t *testing.T) {
	c := Container{LXCPath: t.TempDir(), Name: "c", Rootfs: Rootfs{"overlay", "/lower:/upper"}}
	want := "overlay:/lower:/upper: the backing store overlay is not supported yet (delete it and " + c.LXCPath + "/c by hand)"
	if err := c.Destroy(); err == nil || err.Error() != want {
		t.Errorf("Destroy = %v; want %s", err, want)
	}
}

// What is written down is read back, whole or not at all.
func FuzzReadMade(f *testing.F) {
	f.Add("/a\n12 34\n/b\n56 -1\n")
	f.Add("/a\n12 34\n/b\n5")
	f.Add("relative\n1 1\n/x\x00y\n1 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		list := readMade(text)
		var again strings.Builder
		for _, m := range list {
			if !filepath.IsAbs(m.Path) {
				t.Errorf("%q is no place to delete at", m.Path)
			}
			again.WriteString(m.String())
		}
		if got := readMade(again.String()); !slices.Equal(got, list) {
			t.Errorf("read back: %+v; want %+v", got, list)
		}
	})
}
