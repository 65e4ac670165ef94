// Package cleanup undoes what was acquired, in reverse order, unless the work
// succeeds.
//
//	var undo cleanup.Stack
//	defer undo.Run()
//	f, err := acquire()
//	if err != nil { return err }
//	undo.Add(f.Release)
//	...
//	undo.Release() // success: keep everything
package cleanup

// A Stack holds functions that undo acquisitions. The zero Stack is empty. It
// is not safe for concurrent use.
type Stack struct{ undo []func() }

// Add registers f; it belongs on the line after the acquisition.
func (s *Stack) Add(f func()) { s.undo = append(s.undo, f) }

// Run calls the registered functions, last first, and forgets them.
func (s *Stack) Run() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
	s.undo = nil
}

// Release forgets the registered functions: what was acquired stays. It
// returns a Stack that holds them, for a caller who undoes later.
func (s *Stack) Release() *Stack {
	kept := &Stack{undo: s.undo}
	s.undo = nil
	return kept
}
