package idmap

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// A Range is Count ids from First on.
type Range struct{ First, Count uint32 }

// A User is an ordinary user who may own subordinate ids.
type User struct {
	Name     string // empty if the user data base has none
	UID, GID uint32
}

// subFile is where a kind of subordinate ids is handed out.
func subFile(kind byte) string {
	if kind == 'g' {
		return "/etc/subgid"
	}
	return "/etc/subuid"
}

// Subordinate gives the ranges of the kind 'u' or 'g' that /etc/subuid or
// /etc/subgid hands to the user, by name or by uid. A missing file hands out
// nothing.
func Subordinate(kind byte, user User) ([]Range, error) {
	b, err := os.ReadFile(subFile(kind))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return parseSub(b, user), nil
}

// parseSub reads lines OWNER:FIRST:COUNT. A line that is none is skipped, as
// newuidmap(1) does.
func parseSub(b []byte, user User) (ranges []Range) {
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) != 3 || fields[0] == "" || fields[0] != user.Name && fields[0] != decimal(user.UID) {
			continue
		}
		first, err1 := strconv.ParseUint(fields[1], 10, 32)
		count, err2 := strconv.ParseUint(fields[2], 10, 32)
		if err1 == nil && err2 == nil && count > 0 {
			ranges = append(ranges, Range{uint32(first), uint32(count)})
		}
	}
	return ranges
}

// Permitted says whether newuidmap(1) and newgidmap(1) will write these maps
// for the user: each line must lie in subordinate ranges of his, or map his own
// id alone. The error names the line and what to add where. Where ids are
// handed out by another source than the files (subid in nsswitch.conf(5)), the
// answer is left to the programs.
func Permitted(maps []plan.IDMap, user User) error {
	if subElsewhere() {
		return nil
	}
	for _, kind := range []byte{'u', 'g'} {
		ranges, err := Subordinate(kind, user)
		if err != nil {
			return err
		}
		for _, m := range maps {
			if m.Kind != kind || covered(ranges, m.Host, m.Count) || m.Count == 1 && m.Host == own(kind, user) {
				continue
			}
			return refuse(m, ranges, user)
		}
	}
	return nil
}

func own(kind byte, user User) uint32 {
	if kind == 'g' {
		return user.GID
	}
	return user.UID
}

// refuse says that m is not the user's to map, and what would be.
func refuse(m plan.IDMap, ranges []Range, user User) error {
	name := user.Name
	if name == "" {
		name = decimal(user.UID)
	}
	fix := "add the line " + name + ":" + decimal(m.Host) + ":" + decimal(m.Count) + " to " + subFile(m.Kind)
	for _, r := range ranges {
		if r.Count >= m.Count {
			fix += ", or write lxc.idmap = " + Format(plan.IDMap{Kind: m.Kind, Inside: m.Inside, Host: r.First, Count: m.Count})
			break
		}
	}
	return complain(m.Origin, "the ", word(m.Kind), "s ", span(m), " are not subordinate ids of user ", name, " (", fix, ")")
}

// span gives the first and the last id outside.
func span(m plan.IDMap) string { return decimal(m.Host) + "-" + decimal(m.Host+m.Count-1) }

// covered says whether ranges together hold all of first, first+1 ...
func covered(ranges []Range, first, count uint32) bool {
	for count > 0 {
		i := slices.IndexFunc(ranges, func(r Range) bool { return first-r.First < r.Count })
		if i < 0 {
			return false
		}
		n := min(ranges[i].Count-(first-ranges[i].First), count)
		first, count = first+n, count-n
	}
	return true
}

// subElsewhere says whether nsswitch.conf(5) names a source of subordinate ids.
func subElsewhere() bool {
	b, _ := os.ReadFile("/etc/nsswitch.conf")
	for line := range strings.Lines(string(b)) {
		if source, ok := strings.CutPrefix(strings.TrimSpace(line), "subid:"); ok {
			return strings.TrimSpace(source) != "files"
		}
	}
	return false
}
