// Package command speaks LXC's command-socket protocol: what the tools ask of
// a running container's monitor, and how it answers.
//
//	tool                                        monitor
//	 │  connect to @LXCPATH/NAME/command           │  backlog 100
//	 │ ─ header: cmd, datalen, data  16 bytes ───▶ │
//	 │   + SCM_CREDENTIALS                         │  uid 0, or the monitor's own uid and gid
//	 │ ─ payload: datalen bytes ─────────────────▶ │
//	 │ ◀─ header: ret, datalen, data  16 bytes ─── │
//	 │                          + SCM_RIGHTS       │
//	 │ ◀─ payload: datalen bytes ───────────────── │
//	 │                                             │  close
//
// One request goes over a connection. GET_TTY_FD, ADD_STATE_CLIENT and STOP
// keep it open: its end releases the tty, takes the client off the list, or
// says that the container is gone.
//
// [Client] is the tool's side, [Server] and [Conn] the monitor's. The package
// is linked into the shim, so it does without net and encoding/binary.
package command

import "strconv"

// A Number is the cmd of a request.
type Number int32

// The requests, with LXC's numbers. What each takes and gives stands in table.
const (
	GetTTYFD Number = iota
	TerminalWinch
	Stop
	GetState
	GetInitPID
	GetCloneFlags
	GetCgroup
	GetConfigItem
	GetName
	GetLXCPath
	AddStateClient
	ConsoleLog
	ServeStateClients
	SeccompNotifyAddListener
	AddBPFDeviceCgroup
	Freeze
	Unfreeze
	GetCgroup2FD
	GetInitPidfd
	GetLimitCgroup
	GetLimitCgroup2FD
	GetDevptsFD
	GetSeccompNotifyFD
	GetCgroupCtx
	GetCgroupFD
	GetLimitCgroupFD
	GetSystemdScope
)

// A shape says what a request or response carries besides its header. A
// positive one is a structure of that many bytes.
type shape int

const (
	none  shape = 0
	word  shape = -1 // the header's data word
	text  shape = -2 // a NUL-terminated string
	bytes shape = -3 // as many as there are
)

// A row describes one request.
type row struct {
	name     string
	request  shape
	response shape
	fds      int    // most that ride on the response
	grows    bool   // the structures may be longer or shorter than ours (see grow)
	since    string // LXC release that brought it
}

// table holds every request; the index is its Number.
var table = [...]row{
	GetTTYFD:                 {"GET_TTY_FD", word, word, 1, false, "1.0"},
	TerminalWinch:            {"TERMINAL_WINCH", none, none, 0, false, "1.0"},
	Stop:                     {"STOP", none, none, 0, false, "1.0"},
	GetState:                 {"GET_STATE", none, word, 0, false, "1.0"},
	GetInitPID:               {"GET_INIT_PID", none, word, 0, false, "1.0"},
	GetCloneFlags:            {"GET_CLONE_FLAGS", none, word, 0, false, "1.0"},
	GetCgroup:                {"GET_CGROUP", text, text, 0, false, "1.0"},
	GetConfigItem:            {"GET_CONFIG_ITEM", text, text, 0, false, "1.0"},
	GetName:                  {"GET_NAME", none, text, 0, false, "1.1"},
	GetLXCPath:               {"GET_LXCPATH", none, text, 0, false, "1.1"},
	AddStateClient:           {"ADD_STATE_CLIENT", wantsSize, word, 0, false, "2.1"},
	ConsoleLog:               {"CONSOLE_LOG", logRequestSize, bytes, 0, false, "3.0"},
	ServeStateClients:        {"SERVE_STATE_CLIENTS", word, none, 0, false, "3.0"},
	SeccompNotifyAddListener: {"SECCOMP_NOTIFY_ADD_LISTENER", none, none, 0, false, "3.2"},
	AddBPFDeviceCgroup:       {"ADD_BPF_DEVICE_CGROUP", deviceSize, none, 0, false, "4.0.0"},
	Freeze:                   {"FREEZE", word, none, 0, false, "4.0.0"},
	Unfreeze:                 {"UNFREEZE", word, none, 0, false, "4.0.0"},
	GetCgroup2FD:             {"GET_CGROUP2_FD", none, none, 1, false, "4.0.0"},
	GetInitPidfd:             {"GET_INIT_PIDFD", none, none, 1, false, "4.0.0"},
	GetLimitCgroup:           {"GET_LIMIT_CGROUP", text, text, 0, false, "4.0.3"},
	GetLimitCgroup2FD:        {"GET_LIMIT_CGROUP2_FD", none, none, 1, false, "4.0.3"},
	GetDevptsFD:              {"GET_DEVPTS_FD", none, none, 1, false, "4.0.6"},
	GetSeccompNotifyFD:       {"GET_SECCOMP_NOTIFY_FD", none, none, 1, false, "4.0.6"},
	GetCgroupCtx:             {"GET_CGROUP_CTX", cgroupCtxSize, cgroupCtxSize, maxCgroupFDs, true, "4.0.9"},
	GetCgroupFD:              {"GET_CGROUP_FD", cgroupFDSize, cgroupFDSize, 1, true, "4.0.9"},
	GetLimitCgroupFD:         {"GET_LIMIT_CGROUP_FD", cgroupFDSize, cgroupFDSize, 1, true, "4.0.9"},
	GetSystemdScope:          {"GET_SYSTEMD_SCOPE", none, text, 0, false, "5.0.1"},
}

// Known says whether LXC has a request of this number.
func (n Number) Known() bool { return n >= 0 && int(n) < len(table) }

// String gives LXC's name, GET_STATE for instance, or the number.
func (n Number) String() string {
	if !n.Known() {
		return "command " + strconv.Itoa(int(n))
	}
	return table[n].name
}
