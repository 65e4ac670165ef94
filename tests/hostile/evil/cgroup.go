package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// roots are the container's cgroups, in a hierarchy each.
func roots() (dirs []string) {
	for _, pattern := range []string{"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/*/cgroup.procs"} {
		found, _ := filepath.Glob(pattern)
		for _, f := range found {
			dirs = append(dirs, filepath.Dir(f))
		}
	}
	return dirs
}

// nest makes cgroups within each other: DEPTH LENGTH-OF-NAMES.
func nest(args []string) error {
	depth, _ := strconv.Atoi(args[0])
	length, _ := strconv.Atoi(args[1])
	name := strings.Repeat("n", length)
	for _, root := range roots() {
		dir, err := unix.Open(root, unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		made := 0
		for ; made < depth; made++ {
			if err := unix.Mkdirat(dir, name, 0o755); err != nil && err != unix.EEXIST {
				fmt.Println(root, "depth", made, err)
				break
			}
			next, err := unix.Openat(dir, name, unix.O_DIRECTORY, 0)
			if err != nil {
				return err
			}
			unix.Close(dir)
			dir = next
		}
		// A process at the very bottom.
		if f, err := unix.Openat(dir, "cgroup.procs", unix.O_WRONLY, 0); err == nil {
			unix.Write(f, []byte(strconv.Itoa(os.Getpid())))
			unix.Close(f)
		}
		unix.Close(dir)
		fmt.Println(root, "made", made)
	}
	return wait()
}

// freeze puts everybody, the init too, into cgroups within cgroups and freezes
// them all.
func freeze([]string) error {
	for _, root := range roots() {
		inner := root + "/inner/most"
		if err := os.MkdirAll(inner, 0o755); err != nil {
			return err
		}
		procs, _ := os.ReadFile(root + "/cgroup.procs")
		for _, pid := range strings.Fields(string(procs)) {
			os.WriteFile(inner+"/cgroup.procs", []byte(pid), 0)
		}
	}
	fmt.Println("freezing")
	time.Sleep(50 * time.Millisecond)
	for _, root := range roots() {
		os.WriteFile(root+"/inner/most/freezer.state", []byte("FROZEN"), 0)
		os.WriteFile(root+"/inner/most/cgroup.freeze", []byte("1"), 0)
	}
	return wait()
}

// rename gives cgroups other names for ever, which version 1 allows.
func rename([]string) error {
	for _, root := range roots() {
		if err := os.MkdirAll(root+"/a/b/c", 0o755); err != nil {
			return err
		}
	}
	fmt.Println("renaming")
	for {
		for _, root := range roots() {
			os.Rename(root+"/a", root+"/x")
			os.Rename(root+"/x/b", root+"/x/y")
			os.Rename(root+"/x/y", root+"/x/b")
			os.Rename(root+"/x", root+"/a")
		}
	}
}
