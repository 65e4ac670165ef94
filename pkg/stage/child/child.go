// Package child turns a plan into the program that a container's first process
// runs between its birth and its exec.
//
// It makes no system call: it appends calls to a forkexec.Program, one verb of
// a table for each kind of plan.Step. What only the host can give (detached
// id-mapped mounts, the console's pty, a seccomp filter, shared namespaces)
// comes in as [Inputs].
//
// The program has a launcher before the init:
//
//	launcher ──clone3──> init: step 1, step 2, ... exec
//	   └─ daemon: becomes lxc-shim by exec; else: ends, the init is its sibling
package child

import (
	"os"

	"gantry/pkg/capability"
	"gantry/pkg/forkexec"
	"gantry/pkg/lsm"
	"gantry/pkg/plan"
	"gantry/pkg/seccomp"
	"golang.org/x/sys/unix"
)

// Kinds of reports the program makes, besides those of package forkexec.
const (
	InitPid  = forkexec.First + iota // value: pid of the init, in the launcher's pid namespace
	Arrived                          // the init waits at the barrier "go"
	Finished                         // the launcher has done its part and ends
)

// Inputs is what set-up has acquired for the child. Files may be nil where the
// plan does not ask for them.
type Inputs struct {
	Listen  []*os.File // socket activation: become 3, 4, ... of the init
	Null    *os.File   // /dev/null: standard files of a daemon's hooks and init
	Barrier *os.File   // set-up writes one byte for each wait step
	Socket  *os.File   // a unix socket for the descriptors the child makes
	Output  *os.File   // hooks' output

	Shared map[string]*os.File // namespace kind -> the namespace to join
	Cgroup *os.File            // v2: directory the init is born in

	ConsoleMount *os.File      // FromHost: detached mount of the console's pts
	ConsoleSlave *os.File      // FromHost: the pts itself
	Window       *unix.Winsize // size of the terminal the console is shown on, or nil

	TTYMounts []*os.File // detached mounts of the ttys, if the host's devpts has them
	TTYNames  string     // NAME=VALUE that tells init and start hooks of them

	Mounts map[int]*os.File // index of a step -> its id-mapped detached mount
	Rootfs *os.File         // id-mapped detached mount of the rootfs
	Ramfs  bool             // the host's / is the kernel's initial ramfs

	CgroupMounts []plan.Step // what OpCgroups stands for on this host
	BootID       string
	HookEnv      []string       // environment of the hooks the child runs
	Label        lsm.Change     // the init's security label
	Keyring      lsm.Change     // that of its session keyring
	LabelOrigin  plan.Origin    // the line that asks for them
	Rights       capability.Set // the child has: its creator's, or all in a new user namespace
	Filter       seccomp.Program

	Launcher Launcher
}

// Launcher says what the launcher does once the init is born.
type Launcher struct {
	// Shim, if not nil, is the program the launcher becomes; else it ends and
	// the init is its sibling.
	Shim   *os.File
	Argv   []string
	Env    []string
	Socket *os.File // where the shim is handed the container; handover.Env and its number are added to Env
}

// build is a program being written.
type build struct {
	p     *forkexec.Program
	plan  *plan.Plan
	in    *Inputs
	verbs map[plan.Op]verb
	step  int

	root    forkexec.Reg   // the rootfs, O_PATH
	rootfs  bool           // there is one of the container's own
	devpts  forkexec.Reg   // the container's devpts mount
	slave   forkexec.Reg   // the console's pts, if HasConsole
	label   forkexec.Reg   // the open file of the LSM
	send    []forkexec.Ptr // descriptors for set-up, and their names
	names   []string
	barrier forkexec.FD

	enclosed bool // what follows may run beside programs of the rootfs
}

// A verb appends the calls of one kind of step.
type verb func(*build, plan.Step) error

// A Program is the result of Build.
type Program struct {
	*forkexec.Program
	// Sends names the descriptors the child sends over Inputs.Socket in one
	// message: "devpts", "console", "tty1" ...; empty when it sends none.
	Sends []string
}

// Build writes the program of pl.
func Build(pl *plan.Plan, in *Inputs) (*Program, error) {
	b := &build{p: forkexec.New(), plan: pl, in: in, verbs: verbs}
	p := b.p
	for _, f := range in.Listen {
		p.File(f)
	}
	if pl.Daemon {
		p.Stdio(in.Null, in.Null, in.Null)
	} else {
		p.Stdio(os.Stdin, os.Stdout, os.Stderr)
	}
	b.barrier = p.File(in.Barrier)
	p.About(forkexec.About{Step: -1})
	p.Prelude()
	init, err := b.launch()
	if err != nil {
		return nil, err
	}
	p.Place(init)
	if err := b.birth(); err != nil {
		return nil, err
	}
	for i, s := range pl.Steps {
		if err := b.emit(i, s); err != nil {
			return nil, err
		}
	}
	return &Program{p, b.names}, nil
}

// emit appends the calls of one step.
func (b *build) emit(i int, s plan.Step) error {
	b.step = i
	b.p.About(forkexec.About{Origin: s.Origin.String(), Step: i})
	do := b.verbs[s.Op]
	if do == nil {
		return &UnknownStepError{s.Op}
	}
	if !s.Optional {
		return do(b, s)
	}
	var err error
	b.p.Optional(func() { err = do(b, s) })
	return err
}

// An UnknownStepError is a step without a verb: a plan of a newer Gantry.
type UnknownStepError struct{ Op plan.Op }

// Error names the verb.
func (e *UnknownStepError) Error() string { return "plan has an unknown step " + string(e.Op) }
