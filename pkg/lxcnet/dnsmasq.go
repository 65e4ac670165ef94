package lxcnet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// users are the accounts dnsmasq may run as; the first there is, is taken.
var users = []string{"lxc-dnsmasq", "dnsmasq", "nobody"}

// stopPatience is how long dnsmasq may take to end, in milliseconds.
const stopPatience = 2000

func (n *Network) pidFile() string { return filepath.Join(n.RunDir, "dnsmasq.pid") }

// startDNSMasq starts the daemon, which answers once it has its sockets. Its
// standard input is the lock, which it closes after having written its pid file:
// if we are killed meanwhile, nobody looks for the daemon before it can be found.
func (n *Network) startDNSMasq(lock *os.File) error {
	program, err := findProgram("dnsmasq")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(n.LeaseDir, 0o755); err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.Command(program, n.arguments()...)
	cmd.Args[0] = "dnsmasq" // what pgrep looks for
	cmd.Stdin, cmd.Stderr = lock, &said
	err = cmd.Run()
	if err == nil {
		return nil
	}
	reason := strings.TrimSpace(said.String())
	if reason == "" {
		reason = "dnsmasq: " + err.Error()
	}
	if holders := n.portHolders(); holders != "" {
		reason += "\n" + holders
	}
	return errors.New(reason)
}

// arguments are dnsmasq's. It reads no configuration but the one named, so that
// a dnsmasq of the host's own and this one do not meet.
func (n *Network) arguments() []string {
	config := n.DHCPConfig
	if config == "" {
		config = "/dev/null"
	}
	args := []string{"--conf-file=" + config}
	if n.Domain != "" {
		args = append(args, "-s", n.Domain, "-S", "/"+n.Domain+"/")
	}
	if !n.DHCPPing {
		args = append(args, "--no-ping")
	}
	args = append(args, "-u", account(),
		"--strict-order", "--bind-interfaces", "--pid-file="+n.pidFile(),
		"--listen-address", n.Address.Addr().String(), "--dhcp-range", n.DHCPRange,
		"--dhcp-lease-max="+strconv.Itoa(n.DHCPMax), "--dhcp-no-override",
		"--except-interface=lo", "--interface="+n.Bridge,
		"--dhcp-leasefile="+filepath.Join(n.LeaseDir, "dnsmasq."+n.Bridge+".leases"),
		"--dhcp-authoritative")
	if n.Address6.IsValid() {
		ip := n.Address6.Addr().String()
		args = append(args, "--dhcp-range="+ip+",ra-only", "--listen-address", ip)
	}
	return args
}

func account() string {
	for _, name := range users {
		if _, err := user.Lookup(name); err == nil {
			return name
		}
	}
	return users[len(users)-1]
}

// findProgram looks in PATH and where system programs are, which an ordinary
// PATH leaves out.
func findProgram(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s (install the package dnsmasq-base)", name)
}

// findDNSMasq opens a pidfd of our dnsmasq; nil if it does not run. The number
// in the pid file is only believed of a process that was given this pid file.
func (n *Network) findDNSMasq() (*os.File, error) {
	text, err := os.ReadFile(n.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 1 {
		return nil, nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, nil
	}
	process := os.NewFile(uintptr(fd), "pidfd")
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || !bytes.Contains(line, []byte("--pid-file="+n.pidFile()+"\x00")) {
		process.Close()
		return nil, nil
	}
	return process, nil
}

// stopDNSMasq ends our dnsmasq, and waits for that: its ports must be free.
func (n *Network) stopDNSMasq() error {
	process, err := n.findDNSMasq()
	if err != nil {
		return err
	}
	if process != nil {
		defer process.Close()
		fd := int(process.Fd())
		for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
			unix.PidfdSendSignal(fd, signal, nil, 0)
			if ended, err := waitEnd(fd); err != nil || ended {
				break
			}
		}
	}
	if err := os.Remove(n.pidFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// waitEnd waits for the process to end, for stopPatience.
func waitEnd(pidfd int) (bool, error) {
	for {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, stopPatience)
		if err != unix.EINTR {
			return ready > 0, err
		}
	}
}
