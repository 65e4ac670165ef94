package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gantry/tests/vm/guest"
)

// A share is the directory of this run with what guests are given: tree.tar,
// what make install makes, and the program inside.
type share struct {
	dir string
	key string // a hash of tree.tar
}

// installs are the commands that make a host of each kind, in the guest.
var installs = map[string]string{
	"gantry": `
		tar -C / -xpf /run/host/tree.tar
		systemctl daemon-reload
		if [ -x /usr/libexec/lxc/lxc-apparmor-load ]; then /usr/libexec/lxc/lxc-apparmor-load; fi
		systemctl start lxc-net`,
	"lxc": `
		dpkg --force-confdef -i $(ls /opt/debs/*.deb | grep -v lxcfs) >/dev/null
		systemctl start lxc-net`,
}

// build builds Gantry, and what a guest needs of it.
func build(work string) (s share, err error) {
	s.dir = filepath.Join(work, "share")
	tree := filepath.Join(work, "tree")
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return s, err
	}
	archive := filepath.Join(s.dir, "tree.tar")
	for _, c := range [][]string{
		{"make", "-s", "install", "DESTDIR=" + tree, "PREFIX=/usr"},
		{"tar", "-C", tree, "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cf", archive, "."},
		{"go", "build", "-o", filepath.Join(s.dir, "inside"), "./tests/vm/inside"},
	} {
		cmd := exec.Command(c[0], c[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return s, fmt.Errorf("%s: %w\n%s", strings.Join(c, " "), err, out)
		}
	}
	f, err := os.Open(archive)
	if err != nil {
		return s, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	s.key = hex.EncodeToString(h.Sum(nil))
	return s, err
}

// install gives the host with what -with says.
func (s share) install(h guest.Host) (*guest.State, error) {
	state, err := guest.Boot(*cache, h, func(what string) { fmt.Println("vm:", what) })
	if err != nil || *with == "nothing" {
		return state, err
	}
	script, ok := installs[*with]
	if !ok {
		return nil, errors.New("-with " + *with + ": there are gantry, lxc and nothing")
	}
	key := script
	if *with == "gantry" {
		key += s.key
	}
	var output bytes.Buffer
	job, err := s.job("set -e\n"+script, &output)
	if err != nil {
		return nil, err
	}
	if state, err = state.Derive(*with, key, job); err != nil {
		err = fmt.Errorf("%w\n%s", err, output.String())
	}
	return state, err
}

// job makes a job of a shell script. Each has its own directory: guests run
// at the same time.
func (s share) job(script string, output io.Writer) (job guest.Job, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(s.dir), "job-")
	if err != nil {
		return job, err
	}
	for _, name := range []string{"tree.tar", "inside"} {
		if err := os.Link(filepath.Join(s.dir, name), filepath.Join(dir, name)); err != nil {
			return job, err
		}
	}
	command := "#!/bin/bash -l\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "command"), []byte(command), 0o755); err != nil {
		return job, err
	}
	return guest.Job{Share: dir, Stdout: output, Stderr: output, Limit: limit}, nil
}

// story tells one story.
func (s share) story(state *guest.State, told story, output *bytes.Buffer) error {
	job, err := s.job("cp /run/host/inside /run/inside && exec /run/inside /run/host/"+filepath.Base(told.file), output)
	if err != nil {
		return err
	}
	if err := os.Link(told.file, filepath.Join(job.Share, filepath.Base(told.file))); err != nil {
		text, err := os.ReadFile(told.file)
		if err := errors.Join(err, os.WriteFile(filepath.Join(job.Share, filepath.Base(told.file)), text, 0o644)); err != nil {
			return err
		}
	}
	status, err := state.Run(job)
	if err == nil && status != 0 {
		err = fmt.Errorf("status %d", status)
	}
	return err
}

// shell runs a command on one host.
func (s share) shell(command []string) (ok bool, err error) {
	for _, h := range guest.Hosts {
		if h.Name != *host {
			continue
		}
		state, err := s.install(h)
		if err != nil {
			return false, err
		}
		job, err := s.job(quote(command), os.Stdout)
		if err != nil {
			return false, err
		}
		job.Stderr, job.Limit = os.Stderr, time.Hour
		status, err := state.Run(job)
		return status == 0, err
	}
	return false, errors.New("a command needs -host bookworm, trixie or hybrid")
}

// quote writes words for the shell.
func quote(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString("'" + strings.ReplaceAll(w, "'", `'\''`) + "' ")
	}
	return b.String()
}
