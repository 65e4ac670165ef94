package template

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gantry/pkg/plan"
	"gantry/pkg/storage"
)

// A Job is one container to be filled.
type Job struct {
	Name   string       // of the container
	Path   string       // its directory, with its configuration in config
	Rootfs string       // directory to fill
	Args   []string     // what the user wrote behind --
	IDMap  []plan.IDMap // the container's; its files get the ids outside

	Config string // directory of the shared configurations
	Hooks  string // directory of hooks
	Cache  string // directory for prepared trees

	Out      io.Writer // hears of the progress
	Terminal bool      // Out is a terminal
}

// job is a Job being done.
type job struct {
	Job
	recipe *Recipe
	values values
	facts  facts
	env    map[string]string // of scripts
	report *report
}

// WantsHelp says whether the command line asks for help, or what is wrong with
// it. Asking does nothing.
func (r *Recipe) WantsHelp(args []string) (bool, error) {
	_, help, err := r.parse(args)
	return help, err
}

// Run fills the container. On an error, or when ctx is done, what it has made
// is the caller's to delete; nothing it started is left running.
func (r *Recipe) Run(ctx context.Context, what Job) error {
	values, _, err := r.parse(what.Args)
	if err != nil {
		return err
	}
	j := &job{Job: what, recipe: r, values: values, env: map[string]string{}}
	j.report = newReport(what.Out, r.Name(), what.Terminal)
	defer j.report.close()
	j.facts = facts{
		"name": what.Name, "path": what.Path, "rootfs": what.Rootfs,
		"config": what.Config, "hooks": what.Hooks, "idmap": len(what.IDMap) > 0,
	}
	for name, value := range values {
		j.facts[variable(name)] = value
		j.env[variable(name)] = value
	}
	t, err := openTree(what.Rootfs, what.IDMap)
	if err != nil {
		return err
	}
	defer t.Close()
	if r.Bootstrap != nil {
		if err := j.unpack(ctx); err != nil {
			return err
		}
	}
	if err := j.apply(ctx, t, "step", r.Steps); err != nil {
		return err
	}
	return j.configure()
}

// unpack copies the prepared tree.
func (j *job) unpack(ctx context.Context) error {
	dir, release, err := j.cached(ctx)
	if err != nil {
		return err
	}
	defer release()
	done := j.report.begin("copying the root file system")
	files := 0
	c := storage.Copy{From: dir, To: j.Rootfs, IDMap: j.IDMap, Progress: func(int64) {
		if files++; files%500 == 0 {
			j.report.line(fmt.Sprint(files, " files"))
		}
	}}
	err = c.Run(ctx)
	done(err)
	return err
}

// passed are the variables of the caller that scripts see too.
var passed = []string{"http_proxy", "https_proxy", "ftp_proxy", "no_proxy"}

// environ is what scripts find: the options by their names, and nothing of the
// caller's that could lead them astray.
func (j *job) environ() []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "TERM=dumb", "LC_ALL=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive", "DEBCONF_NONINTERACTIVE_SEEN=true",
		"LXC_NAME=" + j.Name,
	}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range j.env {
		env = append(env, name+"="+value)
	}
	return env
}

// configure adds to the container's configuration.
func (j *job) configure() error {
	text, err := j.facts.expand("config", j.recipe.Config)
	if err != nil {
		return fmt.Errorf("%s: %w", j.recipe.path, err)
	}
	file := filepath.Join(j.Path, "config")
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.WriteString(f, withAddresses(string(before))+text)
	return err
}

// withAddresses gives each veth device that has none a hardware address, so
// that the container keeps its lease from one start to the next.
func withAddresses(config string) string {
	var out strings.Builder
	for line := range strings.Lines(config) {
		out.WriteString(line)
		key, value, _ := strings.Cut(line, "=")
		device, isType := strings.CutSuffix(strings.TrimSpace(key), ".type")
		if !isType || !strings.HasPrefix(device, "lxc.net.") || strings.TrimSpace(value) != "veth" || strings.Contains(config, device+".hwaddr") {
			continue
		}
		if !strings.HasSuffix(line, "\n") {
			out.WriteByte('\n')
		}
		// The prefix is LXC's.
		var b [3]byte
		rand.Read(b[:])
		fmt.Fprintf(&out, "%s.hwaddr = 10:66:6a:%02x:%02x:%02x\n", device, b[0], b[1], b[2])
	}
	return out.String()
}
