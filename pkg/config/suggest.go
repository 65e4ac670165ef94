package config

import "strings"

// unknownKey is the error of a key that no row has; it holds the nearest one.
type unknownKey struct{ nearest string }

func (u unknownKey) Error() string {
	if u.nearest == "" {
		return "unknown key"
	}
	return "unknown key (did you mean " + u.nearest + "?)"
}

// unknown is the error of a key that no row has.
func unknown(name string) error {
	if err := legacy(name); err != nil {
		return err
	}
	return unknownKey{nearest(name, "", keys)}
}

// nearlyKey gives the name in a line that is ignored, as in LXC, because it does
// not begin with lxc., but may well have been meant to: in another case, or with
// one letter wrong. It is empty for other lines.
func nearlyKey(line string) string {
	name, _, ok := strings.Cut(strings.Trim(line, " \t"), "=")
	first, _, dot := strings.Cut(name, ".")
	if !ok || !dot || strings.HasPrefix(first, "#") || distance(strings.ToLower(first), "lxc", 2) > 1 {
		return ""
	}
	return strings.TrimRight(name, " \t")
}

// nearest finds the key whose name takes the fewest changes to get to, when
// they are few. prefix stands before the names of the table.
func nearest[O any](name, prefix string, table []key[O]) string {
	best, least := "", 2+len(name)/6
	for i := range table {
		candidate, known := prefix+table[i].name, name
		if strings.HasSuffix(candidate, ".") {
			// A family: compare as many parts as it has.
			known = firstParts(name, strings.Count(candidate, "."))
		}
		if n := distance(known, candidate, least); n < least {
			best, least = candidate+name[len(known):], n
		}
	}
	return best
}

// firstParts gives the first n parts of a name with the dot behind them.
func firstParts(name string, n int) string {
	for i := range len(name) {
		if name[i] == '.' {
			if n--; n == 0 {
				return name[:i+1]
			}
		}
	}
	return name
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a. From limit on it need not be exact.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
