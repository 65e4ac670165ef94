package terminal

import (
	"errors"
	"os"
	"slices"
)

// ErrNoTTY means that the container has no tty of that number.
var ErrNoTTY = errors.New("no such tty")

// TTYs is the table of who has which terminal of the container: 0 is the
// console, 1 and above are /dev/ttyN. A tty that nobody has keeps what a getty
// writes for who comes next.
type TTYs struct {
	console *Console // nil for none
	owner   int      // of the console; 0 for nobody
	slots   []slot
}

// A slot is one /dev/ttyN.
type slot struct {
	ptx   int
	pts   *os.File // held open from the first use on: a logout is no hang-up
	owner int      // 0 for nobody
}

// NewTTYs makes the table of a console, which may be nil, and of the ptxs of
// /dev/tty1, /dev/tty2 and so on, which stay the caller's to close.
func NewTTYs(console *Console, ptxs []int) *TTYs {
	t := &TTYs{console: console, slots: make([]slot, len(ptxs))}
	for i, ptx := range ptxs {
		t.slots[i].ptx = ptx
	}
	return t
}

// Take gives terminal n, the first free /dev/ttyN for -1, to an owner: any
// number but 0, the socket of its connection for one. The ptx is to be handed
// out and stays the table's.
func (t *TTYs) Take(n, owner int) (number, ptx int, err error) {
	if n == 0 {
		return t.takeConsole(owner)
	}
	if n < 0 {
		// All taken, the first one's owner is in the way.
		n = 1 + max(slices.IndexFunc(t.slots, func(s slot) bool { return s.owner == 0 }), 0)
	}
	if n > len(t.slots) {
		return 0, -1, ErrNoTTY
	}
	s := &t.slots[n-1]
	if s.owner != 0 {
		return 0, -1, ErrBusy
	}
	if s.pts == nil {
		if s.pts, err = Other(s.ptx); err != nil {
			return 0, -1, err
		}
	}
	s.owner = owner
	return n, s.ptx, nil
}

func (t *TTYs) takeConsole(owner int) (number, ptx int, err error) {
	if t.console == nil {
		return 0, -1, ErrNoTTY
	}
	if ptx, err = t.console.Proxy(); err != nil {
		return 0, -1, err
	}
	t.owner = owner
	return 0, ptx, nil
}

// Release takes back what an owner has.
func (t *TTYs) Release(owner int) {
	if t.owner == owner {
		t.owner = 0
		t.console.Disconnect()
	}
	for i := range t.slots {
		if t.slots[i].owner == owner {
			t.slots[i].owner = 0
		}
	}
}

// Close gives everything up. With the container gone, whoever has a terminal
// sees it hang up.
func (t *TTYs) Close() {
	for i := range t.slots {
		if t.slots[i].pts != nil {
			t.slots[i].pts.Close()
		}
	}
}
