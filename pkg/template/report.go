package template

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A report tells the user what goes on: on a terminal with a spinner that shows
// the newest line of output, elsewhere with one line for each task.
type report struct {
	out    io.Writer
	prefix string
	bars   *mpb.Progress // nil without a terminal
	latest atomic.Pointer[string]
}

func newReport(out io.Writer, prefix string, terminal bool) *report {
	r := &report{out: out, prefix: prefix + ": "}
	if terminal {
		r.bars = mpb.New(mpb.WithOutput(out))
	}
	return r
}

// say writes a line.
func (r *report) say(text string) {
	if r.bars == nil {
		fmt.Fprintln(r.out, r.prefix+text)
		return
	}
	fmt.Fprintln(r.bars, r.prefix+text)
}

// line is a line of a running program's output.
func (r *report) line(text string) {
	text = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, text)
	r.latest.Store(&text)
}

// begin announces a task; done ends it.
func (r *report) begin(title string) (done func(error)) {
	if r.bars == nil {
		r.say(title)
		return func(error) {}
	}
	empty := ""
	r.latest.Store(&empty)
	bar := r.bars.New(0, mpb.SpinnerStyle(),
		mpb.BarWidth(1),
		mpb.PrependDecorators(decor.Name(r.prefix+title+" "), decor.Elapsed(decor.ET_STYLE_MMSS)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *r.latest.Load() })),
	)
	return func(err error) {
		r.latest.Store(&empty)
		if err != nil {
			bar.Abort(false)
		} else {
			bar.SetTotal(-1, true)
		}
		bar.Wait()
	}
}

// close ends the display.
func (r *report) close() {
	if r.bars != nil {
		r.bars.Wait()
	}
}
