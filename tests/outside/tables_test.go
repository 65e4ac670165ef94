package outside

import (
	_ "embed"
	"strings"
	"testing"

	"gantry/tests/rig"
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
	for _, row := range rig.Records(casesText, 3) {
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

func readFixtures() map[string]string {
	fixtures := map[string]string{}
	for _, row := range rig.Records(fixturesText, 2) {
		fixtures[row[0]] = row[1]
	}
	return fixtures
}
