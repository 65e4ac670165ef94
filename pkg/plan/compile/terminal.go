package compile

import (
	"strings"

	"gantry/pkg/plan"
)

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
	m.plan.TTYs = plan.TTYs{
		Max:    int(t.Max.V),
		Dir:    t.Dir.V,
		PtyMax: int(m.c.PtyMax.V),
		Origin: first(t.Max.Origin, m.c.PtyMax.Origin),
	}
	return nil
}
