// Bench measures Gantry beside C LXC, and crun where it does the same thing.
//
//	make bench
//
// All tools run in turn, in one run, in a small machine of their own
// (tests/rig), so that what else the computer does strikes them alike. Every
// act is timed back to back and with pauses of 300 ms: after some idleness the
// kernel takes longer to move a process between cgroups, whoever asks. The
// table shows medians in milliseconds and the ratio Gantry/LXC; memory is the
// mean over 50 running containers.
//
// Options:
//
//	-rounds N   how often each act is timed (default 31)
//	-quick      a tenth of everything, to see whether it works
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"gantry/tests/rig"
)

// bridge is the network of the containers that have one.
const bridge = "benchbr0"

// sizes say how much is measured.
type sizes struct {
	rounds int // timings of each act, back to back
	paused int // timings of each act, with pauses
	cycles int // create, start, stop, destroy
	crowd  int // containers started one after another and side by side
	herd   int // containers running while memory is looked at
}

func main() {
	rig.Enter()
	size := sizes{rounds: 31, paused: 11, cycles: 11, crowd: 100, herd: 50}
	quick := flag.Bool("quick", false, "a tenth of everything")
	flag.IntVar(&size.rounds, "rounds", size.rounds, "how often each act is timed")
	flag.Parse()
	if *quick {
		size = sizes{rounds: 3, paused: 1, cycles: 1, crowd: 10, herd: 5}
	}
	if err := bench(size); err != nil {
		rig.KillContainers()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench prepares containers, runs every measurement and prints the table.
func bench(size sizes) error {
	remove, err := rig.Bridge(bridge, "10.99.0.1/24")
	if err != nil {
		return err
	}
	defer remove()
	if err := prepare(size); err != nil {
		return err
	}
	sides := []side{
		newLXC(rig.Real()),
		newLXC(rig.Ours()),
	}
	if c, err := newCrun(); err == nil {
		sides = append(sides, c)
	} else {
		fmt.Println("without crun:", err)
	}
	var t table
	t.header(sides)
	for _, pace := range []struct {
		name   string
		pause  time.Duration
		rounds int
	}{{"back to back", 0, size.rounds}, {"300 ms pauses", 300 * time.Millisecond, size.paused}} {
		if err := t.lives(sides, pace.name, pace.pause, pace.rounds); err != nil {
			return err
		}
	}
	if err := t.cycles(sides, size.cycles); err != nil {
		return err
	}
	if err := t.crowds(sides, size.crowd); err != nil {
		return err
	}
	if err := t.memory(sides, size.herd); err != nil {
		return err
	}
	t.verdict()
	return nil
}

// prepare defines the containers of all measurements.
func prepare(size sizes) error {
	if err := rig.Define(lxcpath, "plain"); err != nil {
		return err
	}
	if err := rig.Define(lxcpath, "wired", "lxc.net.0.type = veth", "lxc.net.0.link = "+bridge, "lxc.net.0.flags = up"); err != nil {
		return err
	}
	for i := range max(size.crowd, size.herd) {
		if err := rig.Define(lxcpath, crowdName(i)); err != nil {
			return err
		}
	}
	return nil
}

func crowdName(i int) string { return fmt.Sprintf("crowd%d", i) }
