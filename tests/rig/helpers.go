package rig

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// helperDir holds a link to this program for each of helpers.
const helperDir = "/run/rig/bin"

// helpers are commands for scripts: the program itself, under other names.
// Each gets its operands and returns an exit status.
var helpers = map[string]func(args []string) (int, error){
	"define": func(args []string) (int, error) { return 0, define(args) },
	"ready":  func(args []string) (int, error) { return 0, ready(args) },
	"on-tty": onTTY,
}

// runHelper ends the process if it was started as a helper.
func runHelper() {
	name := filepath.Base(os.Args[0])
	f, ok := helpers[name]
	if !ok {
		return
	}
	status, err := f(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		status = 1
	}
	os.Exit(status)
}

// installHelpers makes helperDir.
func installHelpers() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(helperDir, 0o755); err != nil {
		return err
	}
	for name := range helpers {
		if err := os.Symlink(exe, filepath.Join(helperDir, name)); err != nil {
			return err
		}
	}
	return nil
}

// define is the script command `define NAME [LINE...]`: it calls Define with
// the default lxcpath, or with $LXCPATH.
func define(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: define NAME [CONFIG-LINE...]")
	}
	lxcpath := os.Getenv("LXCPATH")
	if lxcpath == "" {
		lxcpath = "/var/lib/lxc"
	}
	return Define(lxcpath, args[0], args[1:]...)
}

// ready is the script command `ready NAME`: it waits until the init of a
// container that Define has made obeys signals, and forgets that it did. A
// signal that comes sooner is lost: the kernel drops what pid 1 does not handle.
func ready(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: ready NAME")
	}
	lxcpath := os.Getenv("LXCPATH")
	if lxcpath == "" {
		lxcpath = "/var/lib/lxc"
	}
	return eventually(func() error { return os.Remove(filepath.Join(lxcpath, args[0], "rootfs/run/up")) })
}

// Define makes the container lxcpath/name without any lxc-* tool: a Busybox
// rootfs, no network, and the given lines of configuration on top.
func Define(lxcpath, name string, lines ...string) error {
	dir := filepath.Join(lxcpath, name)
	if err := os.MkdirAll(dir, 0o770); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		return err
	}
	if err := Busybox(filepath.Join(dir, "rootfs")); err != nil {
		return err
	}
	config := append([]string{
		"lxc.uts.name = " + name,
		"lxc.rootfs.path = dir:" + dir + "/rootfs",
		"lxc.net.0.type = empty",
		"lxc.mount.auto = proc:mixed sys:ro",
		"lxc.tty.max = 2",
		"lxc.pty.max = 1024",
	}, lines...)
	return os.WriteFile(filepath.Join(dir, "config"), []byte(strings.Join(config, "\n")+"\n"), 0o640)
}

// applets are the names busybox answers to in a Busybox rootfs.
var applets = strings.Fields(`sh ash [ basename cat chmod chown cp cut date dd echo env expr false find getty
	grep head hostname id ifconfig ip kill ln login ls mkdir mkfifo mknod mount mv nc od ping printf ps pwd
	readlink reboot rm rmdir route sed seq sleep sort stat stty sync tail test tee touch tr true tty udhcpc
	umask umount uname wc whoami`)

// initScript is the Busybox rootfs's /sbin/init: it obeys LXC's default
// signals (SIGPWR halts, SIGINT reboots), says that it does by making /run/up,
// and otherwise waits.
const initScript = `#!/bin/sh
trap 'exit 0' PWR
trap 'reboot -f' INT
true >/run/up 2>/dev/null
[ ! -x /etc/rc ] || . /etc/rc
while :; do sleep 3600 & wait $!; done
`

// Busybox makes a root file system in dir with a static busybox, a shell
// script as init, and users root and bin.
func Busybox(dir string) error {
	for _, d := range strings.Fields("bin sbin etc dev proc sys tmp run root var mnt usr/bin usr/sbin home") {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	if err := copyFile(filepath.Join(dir, "bin/busybox"), busybox); err != nil {
		return err
	}
	for _, name := range applets {
		if err := os.Symlink("busybox", filepath.Join(dir, "bin", name)); err != nil {
			return err
		}
	}
	files := map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin:/bin:/bin/sh\n",
		"etc/group":  "root:x:0:\nbin:x:2:\n",
		"sbin/init":  initScript,
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies an executable.
func copyFile(target, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
