package lsm

import (
	"slices"
	"strings"
)

// except gives an AppArmor pattern for everything below the directory dir but
// what begins like one of the allowed paths, which are relative to dir. Such a
// path is a file or directory with all below it; a "*" at its end allows every
// name that goes on from there.
//
// AppArmor's denials know no exceptions, so the pattern spells out where a path
// may leave the allowed ones: for cd it is {[^/c]*,c[^/d]*,cd?*}.
func except(dir string, allowed ...string) string {
	return dir + "/{" + strings.Join(departures("", allowed), ",") + "}"
}

// departures lists patterns of the names that begin with prefix and then depart
// from all the rests of allowed paths.
func departures(prefix string, rests []string) []string {
	var next []byte
	for _, rest := range rests {
		switch rest {
		case "":
			return []string{prefix + "?*"}
		case "*":
			return nil
		}
		if !slices.Contains(next, rest[0]) {
			next = append(next, rest[0])
		}
	}
	slices.Sort(next)
	var list []string
	if string(next) == "/" {
		list = append(list, prefix+"?*")
	} else {
		list = append(list, prefix+"[^/"+strings.ReplaceAll(string(next), "/", "")+"]*")
	}
	for _, c := range next {
		var further []string
		for _, rest := range rests {
			if rest[0] == c {
				further = append(further, rest[1:])
			}
		}
		list = append(list, departures(prefix+string(c), further)...)
	}
	return list
}
