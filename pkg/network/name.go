package network

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"gantry/pkg/plan"

	"golang.org/x/sys/unix"
)

// name decides what each device is called inside. Configured names come
// first, a physical device keeps its own, the rest are the lowest free ethN
// in the order of the configuration. The namespace is new, so that nothing but
// lo is in the way and the kernel need not be asked.
func name(devices []plan.Network, live []Live) error {
	taken := map[string]int{"lo": -1}
	for i := range devices {
		d := &devices[i]
		switch {
		case d.Type == "none":
			continue
		case d.Type == "empty":
			live[i].Name = "lo"
			continue
		case d.Name != "":
			live[i].Name = d.Name
		case d.Type == "phys":
			live[i].Name = live[i].Link
		default:
			continue
		}
		other, clash := taken[live[i].Name]
		switch {
		case clash && other < 0:
			return at(d, "name", "the container has its own lo (choose another name)")
		case clash:
			return at(d, "name", "%s is the name of lxc.net.%d too (choose another name)", live[i].Name, other)
		}
		taken[live[i].Name] = d.Index
	}
	n := 0
	for i := range live {
		for live[i].Name == "" && live[i].Type != "none" {
			eth := "eth" + strconv.Itoa(n)
			n++
			if _, clash := taken[eth]; !clash {
				live[i].Name = eth
			}
		}
	}
	return nil
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// random gives prefix and six random letters and digits.
func random(prefix string) string {
	name := []byte(prefix)
	for range 6 {
		name = append(name, letters[rand.IntN(len(letters))])
	}
	return string(name)
}

// withName calls create with random names until one is not taken. The kernel
// says so itself: looking first would only be a race.
func withName(prefix string, create func(name string) error) (string, error) {
	for range 32 {
		name := random(prefix)
		err := create(name)
		if !errors.Is(err, unix.EEXIST) {
			return name, err
		}
	}
	return "", fmt.Errorf("no free name %sXXXXXX: %w", prefix, unix.EEXIST)
}
