package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A footprint is the memory of one container's supervisor, in kB.
type footprint struct {
	pss     int // its share, with what it shares divided by those who share it
	private int // what nobody else has
	charged int // what the kernel charges its cgroup: pages, and the kernel's own memory
}

func (f *footprint) add(g footprint) {
	f.pss += g.pss
	f.private += g.private
	f.charged += g.charged
}

func (f footprint) over(n int) footprint {
	return footprint{f.pss / n, f.private / n, f.charged / n}
}

// footprintOf looks at the processes in the monitor cgroup of a container.
func footprintOf(container string) (footprint, error) {
	var f footprint
	group := "lxc.monitor." + container
	memory := "/sys/fs/cgroup/memory/" + group // v1 and hybrid
	charged, err := readFirst(memory+"/memory.usage_in_bytes", "/sys/fs/cgroup/"+group+"/memory.current")
	if err != nil {
		return f, err
	}
	bytes, err := strconv.Atoi(strings.TrimSpace(charged))
	if err != nil {
		return f, err
	}
	f.charged = bytes / 1024
	pids, err := readFirst(memory+"/cgroup.procs", "/sys/fs/cgroup/"+group+"/cgroup.procs")
	if err != nil {
		return f, err
	}
	if strings.TrimSpace(pids) == "" {
		return f, fmt.Errorf("%s: nobody supervises", container)
	}
	for pid := range strings.FieldsSeq(pids) {
		rollup, err := readFirst("/proc/" + pid + "/smaps_rollup")
		if err != nil {
			return f, err
		}
		for line := range strings.Lines(rollup) {
			fields := strings.Fields(line)
			if len(fields) < 3 || fields[2] != "kB" {
				continue
			}
			kb, _ := strconv.Atoi(fields[1])
			switch fields[0] {
			case "Pss:":
				f.pss += kb
			case "Private_Clean:", "Private_Dirty:":
				f.private += kb
			}
		}
	}
	return f, nil
}
