// Vm tells stories on normal Debian hosts: virtual machines with systemd,
// AppArmor and one cgroup v2 tree, or systemd's hybrid layout, in which Gantry
// is installed as make install PREFIX=/usr leaves it, and Debian's lxc is not.
//
//	go run ./tests/vm [-host NAME] [-run PATTERN]        every story of tests/vm and tests/tools, on every host
//	go run ./tests/vm -host NAME [-with WHAT] -- COMMAND  runs a command as root; WHAT is gantry, lxc (Debian's) or nothing
//
// A line tells how each story went on each host. Every story begins with a
// fresh machine. One that is for some hosts only says so in its first line:
//
//	# hosts: bookworm trixie
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"gantry/tests/vm/guest"
)

// limit is how long a story may take.
const limit = 10 * time.Minute

var (
	host  = flag.String("host", "", "only on this host: bookworm, trixie or hybrid")
	only  = flag.String("run", "", "only stories whose name matches this pattern")
	with  = flag.String("with", "gantry", "what is installed: gantry, lxc or nothing")
	cache = flag.String("cache", "/var/cache/gantry/vm", "where disks and machines are kept")
)

func main() {
	flag.Parse()
	ok, err := run(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

func run(command []string) (ok bool, err error) {
	work, err := os.MkdirTemp("", "gantry-vm-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	share, err := build(work)
	if err != nil {
		return false, err
	}
	if len(command) > 0 {
		return share.shell(command)
	}
	stories, err := find()
	if err != nil {
		return false, err
	}
	start := time.Now()
	var t tally
	var all sync.WaitGroup
	turn := make(chan struct{}, 2) // a guest has two processors, and needs hardly more than one
	for _, h := range guest.Hosts {
		if *host == "" || *host == h.Name {
			all.Go(func() { share.tell(h, stories, turn, &t) })
		}
	}
	all.Wait()
	fmt.Printf("%d stories told, %d failed, in %.0f s\n", t.told, t.failed, time.Since(start).Seconds())
	return t.failed == 0 && t.told > 0, nil
}

// A story is a file of a testscript.
type story struct {
	name, file string
	hosts      []string // empty: all
}

// find lists the stories.
func find() (stories []story, err error) {
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{"tests/vm/testdata", "tests/tools"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			s := story{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file}
			if !pattern.MatchString(s.name) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			first, _, _ := strings.Cut(string(text), "\n")
			if hosts, ok := strings.CutPrefix(first, "# hosts:"); ok {
				s.hosts = strings.Fields(hosts)
			}
			stories = append(stories, s)
		}
	}
	slices.SortFunc(stories, func(a, b story) int { return cmp.Compare(a.name, b.name) })
	return stories, nil
}

// A tally counts stories.
type tally struct {
	sync.Mutex
	told, failed int
}

// add prints how a story went.
func (t *tally) add(h guest.Host, name string, took time.Duration, output string, err error) {
	t.Lock()
	defer t.Unlock()
	t.told++
	word := "ok  "
	if err != nil {
		t.failed++
		word = "FAIL"
		fmt.Print(output)
		fmt.Println(err)
	}
	fmt.Printf("%s %-9s %-24s %6.1f s\n", word, h.Name, name, took.Seconds())
}

// tell tells the stories on one host.
func (s share) tell(h guest.Host, stories []story, turn chan struct{}, t *tally) {
	took := func(turn chan struct{}, f func() error) (time.Duration, error) {
		turn <- struct{}{}
		defer func() { <-turn }()
		start := time.Now()
		err := f()
		return time.Since(start), err
	}
	var state *guest.State
	d, err := took(turn, func() (err error) {
		state, err = s.install(h)
		return err
	})
	t.add(h, "(install)", d, "", err)
	if err != nil {
		return
	}
	var all sync.WaitGroup
	for _, story := range stories {
		if len(story.hosts) > 0 && !slices.Contains(story.hosts, h.Name) {
			continue
		}
		all.Go(func() {
			var output bytes.Buffer
			d, err := took(turn, func() error { return s.story(state, story, &output) })
			t.add(h, story.name, d, output.String(), err)
		})
	}
	all.Wait()
}
