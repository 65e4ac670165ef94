package rig

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Differences are the accepted differences between C LXC and Gantry: a table
// of lines `CASES ASPECT PATTERN REASON`. CASES is a glob over names of cases, in
// which * does not match a slash; in the cases it matches, the aspect may differ
// as long as what Gantry shows matches the regular expression PATTERN, in which
// \s stands for a blank and . matches newlines too.
type Differences struct{ rows []*difference }

type difference struct {
	cases, aspect string
	pattern       *regexp.Regexp
	used          bool
}

// Records splits a text of lines into n columns; the last holds the rest of
// its line. Empty lines and comments are left out.
func Records(text string, n int) [][]string {
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		row := make([]string, n)
		for i := range n - 1 {
			row[i], line, _ = strings.Cut(line, " ")
			line = strings.TrimLeft(line, " ")
		}
		row[n-1] = line
		rows = append(rows, row)
	}
	return rows
}

// ReadDifferences reads the table. A line without a reason is an error.
func ReadDifferences(text string) (*Differences, error) {
	var d Differences
	for _, row := range Records(text, 4) {
		pattern, err := regexp.Compile("(?s)" + strings.ReplaceAll(row[2], `\s`, `[ ]`))
		if err == nil {
			_, err = path.Match(row[0], "")
		}
		if err == nil && row[3] == "" {
			err = fmt.Errorf("no reason")
		}
		if err != nil {
			return nil, fmt.Errorf("difference %s %s: %w", row[0], row[1], err)
		}
		d.rows = append(d.rows, &difference{cases: row[0], aspect: row[1], pattern: pattern})
	}
	return &d, nil
}

// Accept says whether a line covers what Gantry shows of an aspect of a case.
func (d *Differences) Accept(name, aspect, ours string) bool {
	for _, row := range d.rows {
		matched, _ := path.Match(row.cases, name)
		if matched && (row.aspect == aspect || row.aspect == "*") && row.pattern.MatchString(ours) {
			row.used = true
			return true
		}
	}
	return false
}

// Unused lists the lines that have covered nothing.
func (d *Differences) Unused() []string {
	var unused []string
	for _, row := range d.rows {
		if !row.used {
			unused = append(unused, row.cases+" "+row.aspect)
		}
	}
	return unused
}

// LineDiff lists the lines that only one of two texts has, marked with the
// toolset they come from.
func LineDiff(lxc, gantry string) string {
	var b strings.Builder
	only := func(mark string, lines, other []string) {
		count := map[string]int{}
		for _, l := range other {
			count[l]++
		}
		for _, l := range lines {
			if count[l]--; count[l] < 0 {
				b.WriteString("  " + mark + " " + l + "\n")
			}
		}
	}
	theirs, ours := strings.Split(lxc, "\n"), strings.Split(gantry, "\n")
	only("lxc   ", theirs, ours)
	only("gantry", ours, theirs)
	if b.Len() == 0 {
		return "  the order of lines\n"
	}
	return b.String()
}
