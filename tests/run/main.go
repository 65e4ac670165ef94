// Run runs every test of the project and tells how it goes.
//
//	go run ./tests/run [PATTERN...]
//
// One line for each package says how it ended and how long it took; of a
// failed test the whole output is shown. A skipped test is a failure, unless
// tests/SKIPS names it with its reason: a test that does not run proves
// nothing.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// limit is how long one package's tests may take.
const limit = "20m"

// An event is a line of go test -json (see go doc test2json).
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// A report gathers what the events tell.
type report struct {
	output  map[string][]string // lines of a test that has not ended, by package and test
	skipped []string            // tests nobody has excused
	excused map[string]bool     // lines of tests/SKIPS
	failed  int                 // packages
	passed  int
}

func main() {
	patterns := os.Args[1:]
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	excused, err := readSkips("tests/SKIPS")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	start := time.Now()
	r := &report{output: map[string][]string{}, excused: excused}
	err = r.follow(patterns)
	for _, s := range r.skipped {
		fmt.Println("SKIPPED without a line in tests/SKIPS:", s)
	}
	fmt.Printf("%d packages passed, %d failed, in %.0f s\n", r.passed, r.failed, time.Since(start).Seconds())
	if err != nil || r.failed > 0 || len(r.skipped) > 0 {
		os.Exit(1)
	}
}

// readSkips reads the tests that may be skipped: PACKAGE/TEST, blanks, reason.
func readSkips(file string) (map[string]bool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	excused := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if name, reason, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" && name != "#" {
			if strings.TrimSpace(reason) == "" {
				return nil, fmt.Errorf("%s: %s: no reason", file, name)
			}
			excused[name] = true
		}
	}
	return excused, nil
}

// follow runs go test and reports its events as they come. Without -count it
// would repeat a result of before: it does not see that tests run what is in
// bin.
func (r *report) follow(patterns []string) error {
	cmd := exec.Command("go", append([]string{"test", "-json", "-count", "1", "-timeout", limit}, patterns...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line) // of the compiler
			continue
		}
		r.take(e)
	}
	return cmd.Wait()
}

// take reports one event.
func (r *report) take(e event) {
	name := strings.TrimPrefix(e.Package, "gantry/")
	if e.Test != "" {
		name += "/" + e.Test
	}
	switch e.Action {
	case "build-output":
		fmt.Print(e.Output)
		return
	case "output":
		r.output[name] = append(r.output[name], e.Output)
		return
	case "fail":
		for _, line := range r.output[name] {
			fmt.Print(line)
		}
		if e.Test == "" {
			r.failed++
			fmt.Printf("FAIL %-40s %6.1f s\n", name, e.Elapsed)
		}
	case "skip":
		if e.Test != "" && !r.excused[name] {
			r.skipped = append(r.skipped, name)
		}
	case "pass":
		if e.Test == "" {
			r.passed++
			fmt.Printf("ok   %-40s %6.1f s\n", name, e.Elapsed)
		}
	default:
		return
	}
	delete(r.output, name)
}
