package cleanup

import (
	"slices"
	"testing"
)

func TestRunUndoesInReverse(t *testing.T) {
	var s Stack
	var got []int
	for i := range 3 {
		s.Add(func() { got = append(got, i) })
	}
	s.Run()
	s.Run()
	if want := []int{2, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("undone %v; want %v, once", got, want)
	}
}

func TestReleaseKeeps(t *testing.T) {
	var s Stack
	undone := false
	s.Add(func() { undone = true })
	kept := s.Release()
	s.Run()
	if undone {
		t.Fatal("undone after Release")
	}
	kept.Run()
	if !undone {
		t.Error("the released stack did not undo")
	}
}
