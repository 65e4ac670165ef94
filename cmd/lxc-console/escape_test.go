package main

import "testing"

func TestControlKey(t *testing.T) {
	for arg, want := range map[string]int{
		"a": 1, "z": 26, "^b": 2, "ab": 1, "Z": 1, "^Z": 1, "A": -1, "5": -1, "": -1, "^": -1, "-1": -1,
	} {
		if got := controlKey(arg); got != want {
			t.Errorf("controlKey(%q) = %d; want %d", arg, got, want)
		}
	}
}
