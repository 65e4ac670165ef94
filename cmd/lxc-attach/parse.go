package main

import (
	"errors"
	"strconv"
	"strings"

	"gantry/pkg/container/attach"
	"gantry/pkg/namespace"
)

// selectNamespaces adds the namespaces of a list separated by |, as CLONE_NEW*.
// A list of none is an error: it would mean all.
func selectNamespaces(flags *uint64, list string) error {
	words := split(list)
	if len(words) == 0 {
		return errors.New("no namespace is named (leave -s out for all)")
	}
	for _, word := range words {
		kind, ok := namespace.ByName(word)
		if !ok {
			return errors.New(strconv.Quote(word) + " is not one of MOUNT PID UTSNAME IPC USER NETWORK CGROUP TIME")
		}
		*flags |= kind.Flag
	}
	return nil
}

// elevate adds the privileges of a list separated by |; an empty one is all.
func elevate(p *attach.Privileges, list string) error {
	if list == "" {
		*p = attach.ElevateAll
		return nil
	}
	for _, word := range split(list) {
		switch word {
		case "CGROUP":
			*p |= attach.ElevateCgroup
		case "CAP":
			*p |= attach.ElevateCap
		case "LSM":
			*p |= attach.ElevateLSM
		default:
			return errors.New(strconv.Quote(word) + " is not one of CAP CGROUP LSM")
		}
	}
	return nil
}

// split takes a list apart; empty words do not count.
func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == '|' })
}

// id reads a user or group id. The last one, -1 for the kernel, leaves it to
// the container.
func id(v *int64, arg string) error {
	n, err := strconv.ParseUint(arg, 0, 32)
	if err != nil {
		return errors.New("not a numeric id")
	}
	*v = int64(n)
	if n == 1<<32-1 {
		*v = -1
	}
	return nil
}
