package main

import (
	"fmt"
	"strings"
	"time"
)

// A table prints rows as they are measured and remembers what missed its aim.
type table struct{ missed []string }

const columns = "%-46s"

func (t *table) header(sides []side) {
	fmt.Printf(columns, "")
	for _, s := range sides {
		fmt.Printf("%10s", s.name)
	}
	fmt.Printf("%8s%7s\n", "ratio", "aim")
}

// times prints a row of medians in milliseconds. An aim of 0 is none.
func (t *table) times(label string, sides []side, took map[string][]time.Duration, aim float64) {
	cells := map[string]float64{}
	for name, d := range took {
		cells[name] = float64(median(d).Microseconds()) / 1000
	}
	t.row(label+", ms", sides, cells, "%10.1f", aim)
}

// kilobytes prints a row of one part of the footprints.
func (t *table) kilobytes(label string, sides []side, prints map[string]footprint, part func(footprint) int, aim float64) {
	cells := map[string]float64{}
	for name, f := range prints {
		cells[name] = float64(part(f))
	}
	t.row(label+", kB", sides, cells, "%10.0f", aim)
}

// row prints the cells of all sides, and Gantry's ratio to LXC.
func (t *table) row(label string, sides []side, cells map[string]float64, format string, aim float64) {
	fmt.Printf(columns, label)
	for _, s := range sides {
		if v, ok := cells[s.name]; ok {
			fmt.Printf(format, v)
		} else {
			fmt.Printf("%10s", "-")
		}
	}
	ratio := cells["gantry"] / cells["lxc"]
	fmt.Printf("%8.2f", ratio)
	if aim > 0 {
		fmt.Printf("%7.2f", aim)
		if ratio > aim {
			fmt.Print("  missed")
			t.missed = append(t.missed, label)
		}
	}
	fmt.Println()
}

// verdict sums up. Missing an aim is no error of the benchmark.
func (t *table) verdict() {
	if len(t.missed) > 0 {
		fmt.Println("missed:", strings.Join(t.missed, "; "))
		return
	}
	fmt.Println("every aim is met")
}
