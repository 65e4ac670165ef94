package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gantry/tests/rig"
)

// lives times start, attach and stop of one container without network, and
// start with one, for all sides in turn.
func (t *table) lives(sides []side, pace string, pause time.Duration, rounds int) error {
	took := map[string]map[string][]time.Duration{} // by act and side
	note := func(what, who string, d time.Duration) {
		if took[what] == nil {
			took[what] = map[string][]time.Duration{}
		}
		took[what][who] = append(took[what][who], d)
	}
	for range rounds {
		for _, s := range sides {
			for _, container := range []string{"plain", "wired"} {
				if container == "wired" && !s.network {
					continue
				}
				for _, a := range []act{start, attach, stop} {
					time.Sleep(pause)
					d, err := s.do(a, container)
					if err != nil {
						return err
					}
					note(string(a)+" "+container, s.name, d)
				}
				if err := gone(); err != nil {
					return err
				}
			}
		}
	}
	for _, row := range []struct {
		what, label string
		aim         float64
	}{
		{"start plain", "start -d, no network", 0.6},
		{"start wired", "start -d, veth on a bridge", 0.6},
		{"attach true plain", "attach true", 0.45},
		{"stop -k plain", "stop -k", 0.5},
	} {
		aim := row.aim
		if pause > 0 {
			aim = 0 // stated for back to back only
		}
		t.times(row.label+", "+pace, sides, took[row.what], aim)
	}
	return nil
}

// gone waits until no container is left: a tool may return a moment before
// its supervisor has ended.
func gone() error {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if len(rig.Look().Sockets) == 0 {
			return nil
		}
	}
	return fmt.Errorf("still running: %v", rig.Look().Sockets)
}

// cycles times the whole life of a container from the busybox template.
func (t *table) cycles(sides []side, rounds int) error {
	took := map[string][]time.Duration{}
	for range rounds {
		for _, s := range sides {
			if !s.lxc {
				continue
			}
			began := time.Now()
			for _, command := range [][]string{
				{"lxc-create", "-t", "busybox", "-n", "cycle"},
				{"lxc-start", "-n", "cycle"},
				{"lxc-stop", "-k", "-n", "cycle"},
				{"lxc-destroy", "-n", "cycle"},
			} {
				command[0] = filepath.Join(s.dir, command[0])
				if _, err := timed(command); err != nil {
					return err
				}
			}
			took[s.name] = append(took[s.name], time.Since(began))
			if err := gone(); err != nil {
				return err
			}
		}
	}
	t.times("create, start, stop, destroy busybox", sides, took, 0)
	return nil
}

// crowds times the start of many containers, one after another and 20 at a
// time.
func (t *table) crowds(sides []side, count int) error {
	for _, width := range []int{1, 20} {
		took := map[string][]time.Duration{}
		for _, s := range sides {
			if !s.lxc {
				continue
			}
			d, err := startAll(s, count, width)
			if err != nil {
				return err
			}
			took[s.name] = []time.Duration{d}
			if err := rig.KillContainers(); err != nil {
				return err
			}
		}
		label := fmt.Sprintf("%d starts, one after another", count)
		if width > 1 {
			label = fmt.Sprintf("%d starts, %d at a time", count, width)
		}
		t.times(label, sides, took, 0)
	}
	return nil
}

// startAll starts containers, width of them at the same time.
func startAll(s side, count, width int) (time.Duration, error) {
	names := make(chan string)
	failed := make(chan error, width)
	began := time.Now()
	var workers sync.WaitGroup
	for range width {
		workers.Go(func() {
			for name := range names {
				if _, err := s.do(start, name); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range count {
		names <- crowdName(i)
	}
	close(names)
	workers.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
		return took, nil
	}
}

// memory looks at the supervising processes of many running containers.
func (t *table) memory(sides []side, count int) error {
	sums := map[string]footprint{}
	for _, s := range sides {
		if !s.lxc {
			continue
		}
		if _, err := startAll(s, count, 1); err != nil {
			return err
		}
		time.Sleep(time.Second) // let them come to rest
		var sum footprint
		for i := range count {
			f, err := footprintOf(crowdName(i))
			if err != nil {
				return err
			}
			sum.add(f)
		}
		sums[s.name] = sum.over(count)
		if err := rig.KillContainers(); err != nil {
			return err
		}
	}
	t.kilobytes("supervisor, PSS", sides, sums, func(f footprint) int { return f.pss }, 1.3)
	t.kilobytes("supervisor, private", sides, sums, func(f footprint) int { return f.private }, 0)
	t.kilobytes("monitor cgroup, charged", sides, sums, func(f footprint) int { return f.charged }, 0)
	return nil
}

// median gives the middle of some durations.
func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

// readFirst reads the first of some files that exists.
func readFirst(files ...string) (string, error) {
	var last error
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil {
			return string(data), nil
		}
		last = err
	}
	return "", last
}
