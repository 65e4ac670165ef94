package template

import (
	"context"
	"fmt"
	"io"
	"os"

	"gantry/pkg/plan"
	"gantry/pkg/storage"
)

// A Job is one container to be filled.
type Job struct {
	Name   string       // of the container
	Path   string       // its directory
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

// Run fills the container and gives the lines to add to its configuration. On
// an error, or when ctx is done, what it has made is the caller's to delete;
// nothing it started is left running.
func (r *Recipe) Run(ctx context.Context, what Job) (config string, err error) {
	values, _, err := r.parse(what.Args)
	if err != nil {
		return "", err
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
		return "", err
	}
	defer t.Close()
	if r.Bootstrap != nil {
		if err := j.unpack(ctx); err != nil {
			return "", err
		}
	}
	if err := j.apply(ctx, t, "step", r.Steps); err != nil {
		return "", err
	}
	if values[cleanOption] != "" {
		if err := j.clean(ctx); err != nil {
			return "", err
		}
	}
	if config, err = j.text("config", r.Config); err != nil {
		return "", err
	}
	note, err := j.text("note", r.Note)
	if err != nil {
		return "", err
	}
	if note != "" {
		j.report.say(note)
	}
	return config, nil
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

// text fills in one of the recipe's texts.
func (j *job) text(what, template string) (string, error) {
	text, err := j.facts.expand(what, template)
	if err != nil {
		return "", fmt.Errorf("%s: %w", j.recipe.path, err)
	}
	return text, nil
}
