package network

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
)

// removeStale deletes the pair that holds a configured name, if it is a
// remnant: its other end lies in a namespace where nobody lives and which has
// no name, such as that of our own last run, which the kernel takes its time to
// clear away. A pair in use is left alone, and the error says whose it is.
func (s *scene) removeStale(name string) error {
	link, err := s.host.LinkByName(name)
	if err != nil {
		return nil // gone by itself
	}
	pair, ok := link.(*netlink.Veth)
	if !ok {
		return fmt.Errorf("%s is a %s device of this host (choose another name)", name, link.Type())
	}
	if peer, err := s.host.LinkByIndex(pair.ParentIndex); err == nil && peer.Attrs().ParentIndex == pair.Index {
		return fmt.Errorf("%s belongs to a pair of this host (choose another name)", name)
	}
	if holder := s.holder(pair.NetNsID); holder != "" {
		return fmt.Errorf("%s is in use by %s (choose another name)", name, holder)
	}
	s.log.Info("deleting ", name, ", left over from an earlier run")
	s.host.LinkDel(pair) // an error shows when the name is wanted again
	return nil
}

// holder says what keeps the network namespace alive that the host's namespace
// numbers id (RTM_GETNSID of rtnetlink): a process, or a name of ip-netns(8);
// empty if there is neither.
func (s *scene) holder(id int) string {
	seen := map[string]bool{}
	processes, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, file := range processes {
		ns, err := os.Readlink(file)
		if err != nil || seen[ns] {
			continue
		}
		seen[ns] = true
		if s.numbers(file, id) {
			pid := strings.Split(file, "/")[2]
			comm, _ := os.ReadFile("/proc/" + pid + "/comm")
			return "process " + pid + ", " + strings.TrimSpace(string(comm))
		}
	}
	names, _ := filepath.Glob("/run/netns/*")
	for _, file := range names {
		if s.numbers(file, id) {
			return "the network namespace " + filepath.Base(file)
		}
	}
	return ""
}

// numbers says whether the host's namespace numbers that of file id.
func (s *scene) numbers(file string, id int) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	got, err := s.host.GetNetNsIdByFd(int(f.Fd()))
	return err == nil && got >= 0 && int32(got) == int32(id)
}
