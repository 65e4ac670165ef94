package attach

import (
	"bufio"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"gantry/internal/sys"
	"gantry/pkg/config"
	"gantry/pkg/hook"
	"gantry/pkg/idmap"
	"gantry/pkg/terminal"
	"golang.org/x/sys/unix"
)

// cleanPath is the PATH of --clear-env.
const cleanPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment settles the command and its environment: the caller's, or
// little of it, then what the configuration adds, then what was asked for.
func (v *visit) environment() error {
	v.newKeyring = !v.cfg.KeyringSession.V
	base := os.Environ()
	if v.ClearEnv {
		base = []string{cleanPath}
		for _, name := range v.KeepVars {
			if value, ok := os.LookupEnv(name); ok {
				base = append(base, name+"="+value)
			}
		}
	}
	v.env = hook.Merge(base, []string{"container=lxc"}, texts(v.cfg.Environment.All), texts(v.cfg.Environment.Runtime), v.SetVars)
	v.argv = v.Command
	if len(v.argv) == 0 {
		v.argv = []string{v.loginShell()}
	}
	return nil
}

func texts(values []config.Value[string]) (list []string) {
	for _, value := range values {
		list = append(list, value.V)
	}
	return list
}

// maxPasswd is how much of a passwd file is read: it is the container's.
const maxPasswd = 16 << 20

// fallbackShell is run where no other is known, or the one that is known cannot
// be.
const fallbackShell = "/bin/sh"

// loginShell is the shell the container's passwd file has for the user.
func (v *visit) loginShell() string {
	if !v.hasNamespace(unix.CLONE_NEWNS) {
		if shell := os.Getenv("SHELL"); shell != "" {
			return shell
		}
		return fallbackShell
	}
	f, err := sys.OpenRegularIn(v.root, "/etc/passwd")
	if err != nil {
		return fallbackShell
	}
	defer f.Close()
	return shellOf(io.LimitReader(f, maxPasswd), max(v.UID, 0))
}

// shellOf reads the shell of a user id from a passwd(5) file.
func shellOf(passwd io.Reader, uid int64) string {
	for lines := bufio.NewScanner(passwd); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) == 7 && fields[2] == strconv.FormatInt(uid, 10) && strings.HasPrefix(fields[6], "/") && !strings.Contains(fields[6], "\x00") {
			return fields[6]
		}
	}
	return fallbackShell
}

// openLog opens the file for a copy of the pty's output. It is made even when
// there will be no pty, as in LXC.
func (v *visit) openLog() (err error) {
	if v.PtyLog == "" {
		return nil
	}
	v.log, err = os.OpenFile(v.PtyLog, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW, 0o640)
	if err == nil {
		v.open.Add(func() { v.log.Close() })
	}
	return err
}

// openPty makes a pty for the command if the caller sits at a terminal: one of
// the container's own, so that it has a name there. It has the size of the
// caller's before the command can ask.
func (v *visit) openPty() (err error) {
	tty := slices.IndexFunc([]int{0, 1, 2}, terminal.IsTerminal)
	if tty < 0 {
		return nil
	}
	if err := v.ptyInside(); err != nil {
		v.Log.Info("no pty of the container's: ", err.Error())
		if v.ptx, v.pts, err = terminal.Open(); err != nil {
			return err
		}
	}
	v.open.Add(func() { v.ptx.Close(); v.pts.Close() })
	if err := v.givePty(); err != nil {
		return err
	}
	return terminal.CopySize(tty, int(v.ptx.Fd()))
}

// givePty makes the pty the command's user's: it was opened by one of the host's,
// whom the container may not even know, and screen, gpg and the like open their
// terminal again by its name.
func (v *visit) givePty() error {
	uid, known := uint32(max(v.UID, 0)), true
	if v.hasNamespace(unix.CLONE_NEWUSER) {
		maps, err := idmap.Of(v.pid, 'u')
		if err != nil {
			return err
		}
		uid, known = idmap.ToHost(maps, 'u', uid)
	}
	if !known {
		return nil // the command cannot become that user either, and says so
	}
	return v.pts.Chown(int(uid), -1)
}

// ptyInside makes a pty in the container's devpts. That may fail for good:
// root inside can use up all there are.
func (v *visit) ptyInside() error {
	if !v.hasNamespace(unix.CLONE_NEWNS) {
		return errors.New("the container's mounts are not joined")
	}
	devpts, err := v.Client().DevptsFD()
	if err != nil {
		return err
	}
	defer devpts.Close()
	v.ptx, v.pts, err = terminal.OpenIn(devpts)
	return err
}
