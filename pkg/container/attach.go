package container

import "errors"

// AttachOptions says how Attach runs a command inside a running container.
type AttachOptions struct {
	Namespaces     []string   // kinds to join, as in lxc.namespace.clone; empty is all the container has
	Elevated       Privileges // what the command keeps of the host's privileges
	Arch           int64      // persona for personality(2); -1 is the container's
	RemountSysProc bool       // -R: fresh /proc and /sys when the mount namespace is not joined
	ClearEnv       bool
	KeepVars       []string // names that survive ClearEnv
	SetVars        []string // NAME=VALUE
	PtyLog         string   // -L: file that receives a copy of the pty's output
	UID, GID       int64    // inside the container; -1 is its init's
	Context        string   // -c: security label of the command
	Command        []string // empty for the user's login shell
}

// Privileges are the restrictions of the container an attached command escapes.
type Privileges uint8

// The privileges lxc-attach -e names.
const (
	ElevateCgroup Privileges = 1 << iota // stay in the caller's cgroup
	ElevateCap                           // keep the capabilities
	ElevateLSM                           // keep the security label and the seccomp filter

	ElevateAll = ElevateCgroup | ElevateCap | ElevateLSM
)

// Attach runs a command inside the container and waits for it. The code is what
// the tool exits with: the command's own status, 128 + N when signal N killed
// it, 126 or 127 when it could not be executed.
func Attach(c *Container, o AttachOptions) (code int, err error) {
	return 0, errors.ErrUnsupported
}
