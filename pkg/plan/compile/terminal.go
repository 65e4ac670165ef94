package compile

import (
	"strconv"
	"strings"

	"gantry/pkg/plan"
)

// maxTTYs is how many ttys can be handed from process to process in one message
// (SCM_MAX_FD of unix(7) is 253) with everything else.
const maxTTYs = 224

// terminals decides where console and ttys come from.
func (m *compiler) terminals() error {
	c, t := m.c.Console, m.c.TTY
	m.plan.Console = plan.Console{
		Path:       c.Path.V,
		PathOrigin: c.Path.Origin,
		FromHost:   m.c.PtyMax.V <= 1,
		LogFile:    c.LogFile.V,
		LogOrigin:  c.LogFile.Origin,
		LogSize:    c.Size.V,
		LogRotate:  c.Rotate.V,
		BufferSize: c.BufferSize.V,
	}
	for part := range strings.SplitSeq(t.Dir.V, "/") {
		if part == ".." {
			return fail(t.Dir.Origin, `"`, t.Dir.V, `" leads out of /dev`)
		}
	}
	if t.Max.V > maxTTYs {
		return fail(t.Max.Origin, "more than ", strconv.Itoa(maxTTYs), " ttys")
	}
	m.plan.TTYs = plan.TTYs{
		Max:    int(t.Max.V),
		Dir:    t.Dir.V,
		PtyMax: int(m.c.PtyMax.V),
		Origin: first(t.Max.Origin, m.c.PtyMax.Origin),
	}
	return nil
}
