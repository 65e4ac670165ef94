package idmap

import (
	"errors"
	"strconv"

	"gantry/pkg/plan"
)

// word is how a kind of id is called.
func word(kind byte) string {
	if kind == 'g' {
		return "gid"
	}
	return "uid"
}

// complain puts the line of the configuration before what is wrong.
func complain(o plan.Origin, parts ...string) error {
	text := ""
	if at := o.String(); at != "" {
		text = at + ": "
	}
	for _, p := range parts {
		text += p
	}
	return errors.New(text)
}

// Check says what the kernel, or a container with these maps, could not live
// with: ranges that are empty, leave 32 bits, or overlap, and a root without an
// id outside. initUID and initGID are lxc.init.uid and lxc.init.gid, which may
// stand in for root. No maps at all are fine. The error names the line.
func Check(maps []plan.IDMap, initUID, initGID uint32) error {
	if len(maps) == 0 {
		return nil
	}
	if err := checkLines(maps); err != nil {
		return err
	}
	for _, k := range []struct {
		kind byte
		init uint32
	}{{'u', initUID}, {'g', initGID}} {
		if _, _, ok := Root(maps, k.kind, k.init); !ok {
			return complain(nearest(maps, k.kind), "no ", word(k.kind), " mapping for container root (add ",
				"lxc.idmap = ", Format(plan.IDMap{Kind: k.kind, Host: 100000, Count: 65536}), " or the like)")
		}
	}
	return nil
}

func checkLines(maps []plan.IDMap) error {
	lines := map[byte]int{}
	for i, m := range maps {
		if lines[m.Kind]++; lines[m.Kind] > maxLines {
			return complain(m.Origin, "more than ", strconv.Itoa(maxLines), " ", word(m.Kind), " mappings, which is all the kernel takes")
		}
		if m.Count == 0 {
			return complain(m.Origin, Format(m), " maps no id (the last number is how many)")
		}
		// The very last id, 4294967295, stands for "no id" and cannot be mapped.
		for _, first := range []uint32{m.Inside, m.Host} {
			if first+m.Count < first {
				return complain(m.Origin, Format(m), " goes beyond the last id, 4294967294")
			}
		}
		for _, other := range maps[:i] {
			if other.Kind == m.Kind && (overlap(m.Inside, m.Count, other.Inside, other.Count) || overlap(m.Host, m.Count, other.Host, other.Count)) {
				return complain(m.Origin, Format(m), " overlaps ", Format(other), at(other.Origin),
					" (an id can be mapped once inside and once outside)")
			}
		}
	}
	return nil
}

func at(o plan.Origin) string {
	switch {
	case !o.Given():
		return ""
	case o.Line == 0:
		return " of " + o.File
	}
	return " of " + o.File + ":" + strconv.Itoa(o.Line)
}

func overlap(a, aCount, b, bCount uint32) bool {
	return a-b < bCount || b-a < aCount
}

// nearest finds a line to name when one is missing.
func nearest(maps []plan.IDMap, kind byte) plan.Origin {
	for _, m := range maps {
		if m.Kind == kind {
			return m.Origin
		}
	}
	return maps[0].Origin
}
