package session

// leave is what has to follow the escape character.
const leave = 'q'

// An escape watches what is typed for the escape character.
type escape struct {
	key   byte // 0 for none
	armed bool // it was the last one
}

// filter gives what of b is for the container: escape twice stands for itself,
// before anything else it vanishes. quit says that the user wants to leave;
// what follows that is dropped.
func (e *escape) filter(b []byte) (out []byte, quit bool) {
	if e.key == 0 {
		return b, false
	}
	out = b[:0]
	for _, c := range b {
		switch {
		case e.armed && c == leave:
			return out, true
		case c == e.key && !e.armed:
			e.armed = true
		default:
			e.armed = false
			out = append(out, c)
		}
	}
	return out, false
}
