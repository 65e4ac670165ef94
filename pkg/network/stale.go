package network

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
)

// removeStale deletes the pair that holds a configured name, if it is a
// remnant: its other end lies in a namespace where nobody lives, such as that
// of our own last run, which the kernel takes its time to clear away. A pair
// in use is left alone, and the error says whose it is.
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
	if pid := s.inhabitant(pair.NetNsID); pid != "" {
		comm, _ := os.ReadFile("/proc/" + pid + "/comm")
		return fmt.Errorf("%s is in use by process %s, %s (choose another name)", name, pid, strings.TrimSpace(string(comm)))
	}
	s.log.Info("deleting ", name, ", left over from an earlier run")
	s.host.LinkDel(pair) // an error shows when the name is wanted again
	return nil
}

// inhabitant finds a process in the network namespace that the host's
// namespace numbers id (RTM_GETNSID of rtnetlink); empty if there is none.
func (s *scene) inhabitant(id int) (pid string) {
	seen := map[string]bool{}
	files, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, file := range files {
		ns, err := os.Readlink(file)
		if err != nil || seen[ns] {
			continue
		}
		seen[ns] = true
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		got, err := s.host.GetNetNsIdByFd(int(f.Fd()))
		f.Close()
		if err == nil && got >= 0 && int32(got) == int32(id) {
			return strings.Split(file, "/")[2]
		}
	}
	return ""
}
