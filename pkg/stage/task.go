package stage

// A task is work that goes on beside the rest of a start.
type task struct {
	done chan struct{}
	err  error
}

// spawn starts f.
func spawn(f func() error) *task {
	t := &task{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = f()
	}()
	return t
}

// wait gives f's error once it has returned. A nil task has nothing to do.
func (t *task) wait() error {
	if t == nil {
		return nil
	}
	<-t.done
	return t.err
}
