package outside

import (
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	//go:embed cases.txt
	casesText string
	//go:embed fixtures.txt
	fixturesText string
	//go:embed DIFFERENCES
	differencesText string
)

// tools are the six that cases with {} run once for each of.
var tools = []string{"create", "start", "console", "attach", "stop", "destroy"}

// A testCase is one line of cases.txt.
type testCase struct {
	name    string // tool/what
	fixture string
	script  string
}

// records splits a text of lines into n columns; the last holds the rest of
// its line. Empty lines and comments are left out.
func records(t *testing.T, text string, n int) [][]string {
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
		if row[0] == "" {
			t.Fatalf("%q has no name", line)
		}
		rows = append(rows, row)
	}
	return rows
}

func readCases(t *testing.T) []testCase {
	var cases []testCase
	seen := map[string]bool{}
	add := func(c testCase) {
		if seen[c.name] {
			t.Fatalf("cases.txt: two cases are named %s", c.name)
		}
		seen[c.name] = true
		cases = append(cases, c)
	}
	for _, row := range records(t, casesText, 3) {
		if !strings.Contains(row[2], "lxc-{}") {
			add(testCase{row[0], row[1], row[2]})
			continue
		}
		for _, tool := range tools {
			add(testCase{tool + "/" + row[0], row[1], strings.ReplaceAll(row[2], "{}", tool)})
		}
	}
	return cases
}

func readFixtures(t *testing.T) map[string]string {
	fixtures := map[string]string{}
	for _, row := range records(t, fixturesText, 2) {
		fixtures[row[0]] = row[1]
	}
	return fixtures
}

// A difference is one line of DIFFERENCES: in the cases that match, the
// aspect may differ as long as ours matches the pattern.
type difference struct {
	cases  string // glob over case names
	aspect string
	ours   *regexp.Regexp
	reason string
	used   bool
}

func readDifferences(t *testing.T) []*difference {
	var all []*difference
	for _, row := range records(t, differencesText, 4) {
		pattern, err := regexp.Compile("(?s)" + strings.ReplaceAll(row[2], `\s`, `[ ]`))
		if err != nil {
			t.Fatalf("DIFFERENCES: %s: %v", row[0], err)
		}
		if row[3] == "" {
			t.Fatalf("DIFFERENCES: %s: no reason", row[0])
		}
		all = append(all, &difference{cases: row[0], aspect: row[1], ours: pattern, reason: row[3]})
	}
	return all
}

// accepts says whether the difference covers what case c shows of ours.
func (d *difference) accepts(c, aspect, ours string) bool {
	matched, err := path.Match(d.cases, c)
	if err != nil {
		panic(fmt.Sprintf("DIFFERENCES: %s: %v", d.cases, err))
	}
	if !matched || d.aspect != aspect || !d.ours.MatchString(ours) {
		return false
	}
	d.used = true
	return true
}
