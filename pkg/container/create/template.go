package create

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"gantry/pkg/idmap"
	"gantry/pkg/plan"
	"gantry/pkg/template"
)

// runTemplate fills the root file system.
func (k *creation) runTemplate(ctx context.Context) error {
	if k.template.Recipe != nil {
		return k.runRecipe(ctx)
	}
	p := template.Program{Path: k.template.Path, Quiet: k.o.Quiet}
	p.Args = append([]string{"--path=" + k.c.Dir(), "--name=" + k.c.Name, "--rootfs=" + k.path}, k.o.TemplateArgs...)
	if len(k.maps) > 0 {
		var uid, gid uint32
		p.IDMap = k.maps
		p.IDMap, uid = withCaller(p.IDMap, 'u', uint32(os.Geteuid()))
		p.IDMap, gid = withCaller(p.IDMap, 'g', uint32(os.Getegid()))
		p.Args = append(p.Args, "--mapped-uid", decimal(uid), "--mapped-gid", decimal(gid))
	}
	err := p.Run(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("failed to create container from template: %w", err)
	}
	return err
}

// runRecipe fills the root file system and saves what that adds to the
// configuration.
func (k *creation) runRecipe(ctx context.Context) error {
	job := template.Job{
		Name:     k.c.Name,
		Path:     k.c.Dir(),
		Rootfs:   k.path,
		Args:     k.o.TemplateArgs,
		IDMap:    k.maps,
		Config:   k.c.Paths.Config,
		Hooks:    k.c.Paths.Hooks,
		Cache:    k.cache(),
		Out:      os.Stdout,
		Terminal: term.IsTerminal(int(os.Stdout.Fd())),
	}
	if k.o.Quiet {
		job.Out, job.Terminal = io.Discard, false
	}
	lines, err := k.template.Recipe.Run(ctx, job)
	if err != nil && !k.o.Quiet {
		for _, line := range template.Output(err) {
			fmt.Fprintln(os.Stderr, "  "+line)
		}
	}
	if err != nil {
		return err
	}
	if err := k.keepLeases(); err != nil {
		return err
	}
	k.config.Text().Append(lines)
	return k.save()
}

// keepLeases gives each veth device that has none a hardware address, so that
// the container keeps its DHCP lease from one start to the next.
func (k *creation) keepLeases() error {
	for _, n := range k.config.Networks {
		if n.Type.V != "veth" || n.HWAddr.V != "" {
			continue
		}
		// The prefix is LXC's; config chooses the rest.
		if err := k.config.Set("lxc.net."+strconv.Itoa(n.Index)+".hwaddr", "10:66:6a:xx:xx:xx"); err != nil {
			return err
		}
	}
	return nil
}

// cache is where templates keep what they have downloaded.
func (k *creation) cache() string {
	if path := os.Getenv("LXC_CACHE_PATH"); path != "" {
		return path
	}
	return k.c.Paths.Cache
}

// withCaller adds a line that gives the caller's own id a place in the
// container, unless he has one, for the template to work on files of his. The
// place is the first id that is free.
func withCaller(maps []plan.IDMap, kind byte, caller uint32) (all []plan.IDMap, inside uint32) {
	if inside, ok := idmap.ToInside(maps, kind, caller); ok {
		return maps, inside
	}
	for {
		if _, taken := idmap.ToHost(maps, kind, inside); !taken {
			break
		}
		for _, m := range maps {
			if m.Kind == kind && inside >= m.Inside && inside-m.Inside < m.Count {
				inside = m.Inside + m.Count
			}
		}
	}
	return append(maps[:len(maps):len(maps)], plan.IDMap{Kind: kind, Inside: inside, Host: caller, Count: 1}), inside
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// header is what LXC writes before a configuration that a template has made.
func (k *creation) header() string {
	args := k.o.TemplateArgs
	if k.template.Recipe != nil {
		args = k.template.Recipe.Redact(args)
	}
	parameters := strings.Join(append([]string{""}, args...), " ")
	return "# Template used to create this container: " + k.template.Path + "\n" +
		"# Parameters passed to the template:" + oneLine(parameters) + "\n" +
		"# For additional config options, please look at lxc.container.conf(5)\n" +
		"\n" +
		"# Uncomment the following line to support nesting containers:\n" +
		"#lxc.include = " + k.c.Paths.Config + "/nesting.conf\n" +
		"# (Be aware this has security implications)\n" +
		"\n"
}

// oneLine keeps an argument from beginning a line of the configuration.
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }
