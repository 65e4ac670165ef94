package compile

import (
	"strconv"
	"strings"

	"gantry/pkg/capability"
	"gantry/pkg/config"
	"gantry/pkg/plan"
	"gantry/pkg/rlimit"
)

// defaultInit is the init of a container that names none.
const defaultInit = "/sbin/init"

// command decides what pid 1 runs, and as whom.
func (m *compiler) command() error {
	c := m.c.Init
	command := c.Cmd
	if m.Kind == plan.MiniInit {
		command = m.c.ExecuteCmd
	}
	i := plan.Init{
		Kind:        m.Kind,
		Argv:        m.Argv,
		Env:         m.environment(),
		Cwd:         c.Cwd.V,
		UID:         c.UID.V,
		GID:         c.GID.V,
		Groups:      values(c.Groups),
		DeathSignal: m.c.Monitor.SignalDeath.V,
		Personality: m.c.Arch.V,
		Origin:      command.Origin,
		CwdOrigin:   c.Cwd.Origin,
	}
	if len(i.Argv) == 0 {
		words, ok := split(command.V)
		if !ok {
			return fail(command.Origin, "a quote is not closed")
		}
		i.Argv = words
	}
	if len(i.Argv) == 0 && m.Kind == plan.MiniInit {
		return fail(command.Origin, "no command to execute (give one behind --)")
	}
	if len(i.Argv) == 0 {
		i.Argv = []string{defaultInit}
	}
	m.plan.Init = i
	return m.capabilities()
}

// split takes a command line apart at blanks. Quotes keep blanks in a word; ok
// is false when one is not closed.
func split(line string) (words []string, ok bool) {
	var word strings.Builder
	inside, quote := false, rune(0)
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			inside, quote = true, c
		case quote == 0 && (c == ' ' || c == '\t'):
			if inside {
				words = append(words, word.String())
			}
			word.Reset()
			inside = false
		default:
			inside = true
			word.WriteRune(c)
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words, quote == 0
}

// environment is the whole environment of the init. A name that is set twice
// keeps its place and takes the later value.
func (m *compiler) environment() []string {
	e := m.c.Environment
	settings := append(values(e.All), values(e.Runtime)...)
	settings = append(settings, "container=lxc")
	if names := m.ttyNames(); names != "" {
		settings = append(settings, names)
	}
	var env []string
next:
	for _, s := range settings {
		name, _, _ := strings.Cut(s, "=")
		for i := range env {
			if strings.HasPrefix(env[i], name+"=") {
				env[i] = s
				continue next
			}
		}
		env = append(env, s)
	}
	return env
}

// ttyNames is container_ttys=pts/1 pts/2 and so on. The container's devpts
// numbers its ptys in the order they are made: the console, if it is one of
// them, and then the ttys. Those of the host's devpts (lxc.pty.max = 0) have
// numbers only once they are there.
func (m *compiler) ttyNames() string {
	if m.c.PtyMax.V == 0 || m.c.TTY.Max.V == 0 {
		return ""
	}
	first := 0
	if m.c.PtyMax.V > 1 && m.c.Console.Path.V != "none" {
		first = 1
	}
	var names []string
	for i := range int(m.c.TTY.Max.V) {
		names = append(names, "pts/"+strconv.Itoa(first+i))
	}
	return "container_ttys=" + strings.Join(names, " ")
}

func (m *compiler) capabilities() error {
	caps := plan.Caps{Keeps: m.c.Cap.Keeps.V, Origin: m.c.Cap.Keeps.Origin}
	for _, list := range []struct {
		words []config.Value[string]
		to    *[]int
	}{{m.c.Cap.Drop, &caps.Drop}, {m.c.Cap.Keep, &caps.Keep}} {
		for _, word := range list.words {
			n, err := capability.Parse(word.V, 63)
			if err != nil {
				return &config.Error{Origin: word.Origin, Err: err}
			}
			*list.to = append(*list.to, n)
			caps.Origin = first(caps.Origin, word.Origin)
		}
	}
	m.plan.Init.Caps = caps
	return nil
}

// holds says whether the init keeps a capability.
func (m *compiler) holds(n int) bool {
	return !capability.Dropped(m.plan.Init.Caps, 63).Has(n)
}

// processLimits takes lxc.prlimit.RESOURCE over.
func (m *compiler) processLimits() error {
	for _, l := range m.c.Prlimit {
		resource, err := rlimit.Resource(l.Name)
		if err != nil {
			return &config.Error{Origin: l.Origin, Err: err}
		}
		if l.V.Soft > l.V.Hard {
			return fail(l.Origin, "the soft limit is higher than the hard one (SOFT:HARD)")
		}
		m.plan.Limits = append(m.plan.Limits, plan.Rlimit{Resource: resource, Soft: l.V.Soft, Hard: l.V.Hard, Origin: l.Origin})
	}
	return nil
}
