package cgroup

import (
	"os"
	"strconv"
	"strings"
)

// initCpuset gives a new cgroup of version 1's cpuset what a process needs
// before it may enter: processors and memory nodes, the parent's, unless the
// kernel has copied them already (cgroup.clone_children of the parent; see
// cpuset(7)). Isolated and offline processors are left out. Cgroups made
// inside the container inherit by themselves.
func (h Hierarchy) initCpuset(rel string) error {
	child := h.Dir(rel)
	parent := child[:strings.LastIndexByte(child, '/')]
	for _, file := range []string{"/cpuset.cpus", "/cpuset.mems"} {
		if value, err := readFile(child + file); err != nil || value != "" {
			continue
		}
		value, err := readFile(parent + file)
		if err != nil {
			return err
		}
		if file == "/cpuset.cpus" {
			value = usable(value, readList("isolated"), readList("offline"))
		}
		if err := writeFile(child+file, value); err != nil {
			return err
		}
	}
	return writeFile(child+"/cgroup.clone_children", "1")
}

func readList(name string) string {
	list, _ := os.ReadFile("/sys/devices/system/cpu/" + name)
	return string(list)
}

// usable removes processors from a list like 0-3,7. When nothing would be left
// the list stays as it is.
func usable(cpus string, without ...string) string {
	out := map[int]bool{}
	for _, list := range without {
		for _, cpu := range parseList(list) {
			out[cpu] = true
		}
	}
	if len(out) == 0 {
		return cpus
	}
	var kept []string
	for _, cpu := range parseList(cpus) {
		if !out[cpu] {
			kept = append(kept, strconv.Itoa(cpu))
		}
	}
	if len(kept) == 0 {
		return cpus
	}
	return strings.Join(kept, ",")
}

// maxCPU bounds the ranges parseList believes.
const maxCPU = 1 << 16

// parseList reads a list of numbers and ranges (cpuset(7), "List Format").
// What it cannot read is skipped.
func parseList(list string) []int {
	var numbers []int
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		low, high, ranged := strings.Cut(part, "-")
		first, err := strconv.Atoi(low)
		last := first
		if ranged && err == nil {
			last, err = strconv.Atoi(high)
		}
		if err != nil || first < 0 || last > maxCPU {
			continue
		}
		for n := first; n <= last; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers
}
