package guest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A setting is what a machine is made of.
type setting struct {
	image  image
	append string // kernel parameters
	dir    string // for sockets and logs
	disk   string
	share  string // empty for none
}

// A machine is a running QEMU.
type machine struct {
	set     setting
	process *exec.Cmd
	ended   chan error
	control *qmp
	ctl     net.Conn // lines to and from the agent
	lines   chan string
	out     net.Conn // what the job writes
	err     net.Conn
	copies  sync.WaitGroup
}

// ports are the virtio ports of a guest, and the sockets in the machine's
// directory behind them.
var ports = []string{"ctl", "out", "err"}

// arguments are QEMU's. A state fits only machines with the same devices.
func (s setting) arguments(ram string, shared bool) []string {
	share := s.share
	if share == "" {
		share = s.dir
	}
	on := map[bool]string{true: "on", false: "off"}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-smp", "2", "-m", "2G",
		"-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max",
		"-object", "memory-backend-file,id=ram,size=2G,mem-path=" + ram + ",share=" + on[shared],
		"-machine", "q35,memory-backend=ram",
		"-chardev", "file,id=console,path=" + filepath.Join(s.dir, "console"), "-serial", "chardev:console",
		"-qmp", "unix:" + filepath.Join(s.dir, "qmp") + ",server=on,wait=off",
		"-drive", "file=" + s.disk + ",if=none,id=root,format=qcow2,cache=unsafe,discard=unmap",
		"-device", "virtio-blk-pci,drive=root", "-device", "virtio-rng-pci",
		"-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net,romfile=",
		"-fsdev", "local,id=host,path=" + share + ",security_model=passthrough",
		"-device", "virtio-9p-pci,fsdev=host,mount_tag=host", "-device", "virtio-serial-pci,max_ports=8",
		"-kernel", filepath.Join(s.image.dir, "vmlinuz"), "-initrd", filepath.Join(s.image.dir, "initrd"),
		"-append", "console=ttyS0 root=/dev/vda rw quiet net.ifnames=0 random.trust_cpu=on " + s.append,
	}
	for _, p := range ports {
		args = append(args, "-chardev", "socket,id="+p+",path="+filepath.Join(s.dir, p)+",server=on,wait=off",
			"-device", "virtserialport,chardev="+p+",name="+p)
	}
	return args
}

// start starts a machine: from the state of its devices in a file, with the
// memory that belongs to it, or from nothing. A shared memory file becomes
// the machine's memory; another one is copied where it is written to.
func start(s setting, devices, ram string, shared bool) (m *machine, err error) {
	args := s.arguments(ram, shared)
	if devices != "" {
		args = append(args, "-incoming", "defer")
	}
	m = &machine{set: s, ended: make(chan error, 1), lines: make(chan string, 16)}
	m.process = exec.Command("qemu-system-x86_64", args...)
	m.process.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	said := &bytes.Buffer{}
	m.process.Stderr = said
	if err := m.process.Start(); err != nil {
		return nil, err
	}
	pid := strconv.Itoa(m.process.Process.Pid)
	go func() {
		err := m.process.Wait()
		m.ended <- fmt.Errorf("qemu ended: %w: %s", errors.Join(err), strings.TrimSpace(said.String()))
		close(m.ended)
	}()
	err = errors.Join(os.WriteFile(filepath.Join(s.dir, "pid"), []byte(pid), 0o644), m.connect())
	if err == nil && devices != "" {
		err = m.control.load(devices)
	}
	if err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}

// connect connects to the sockets of a QEMU that is about to make them.
func (m *machine) connect() error {
	conns := map[string]net.Conn{}
	for _, name := range append([]string{"qmp"}, ports...) {
		for conns[name] == nil {
			c, err := net.Dial("unix", filepath.Join(m.set.dir, name))
			if err == nil {
				conns[name] = c
				continue
			}
			select {
			case err := <-m.ended:
				return err
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	m.ctl, m.out, m.err = conns["ctl"], conns["out"], conns["err"]
	go func() {
		for in := bufio.NewScanner(m.ctl); in.Scan(); {
			m.lines <- in.Text()
		}
		close(m.lines)
	}()
	var err error
	m.control, err = greet(conns["qmp"])
	return err
}

// ready waits until the guest has booted.
func (m *machine) ready(limit time.Duration) error {
	word, _, err := m.word(limit)
	if err == nil && word != "ready" {
		err = fmt.Errorf("the guest said %q instead of ready", word)
	}
	return err
}

// do tells the agent to run the job and passes its output on, to the last byte
// when stop has returned: the guest's writes wait for QEMU's.
func (m *machine) do(job Job) (status int, err error) {
	for _, c := range []struct {
		to   io.Writer
		from net.Conn
	}{{job.Stdout, m.out}, {job.Stderr, m.err}} {
		if c.to == nil {
			c.to = io.Discard
		}
		m.copies.Go(func() { io.Copy(c.to, c.from) })
	}
	if _, err := fmt.Fprintf(m.ctl, "go %d\n", time.Now().Unix()); err != nil {
		return 0, err
	}
	word, value, err := m.word(job.Limit)
	if err != nil {
		return 0, err
	}
	status, err = strconv.Atoi(value)
	if word != "exit" || err != nil {
		return 0, fmt.Errorf("the guest said %q instead of exit", word+" "+value)
	}
	return status, nil
}

// word reads a line of the agent.
func (m *machine) word(limit time.Duration) (word, value string, err error) {
	ctx, cancel := within(limit)
	defer cancel()
	select {
	case line, ok := <-m.lines:
		if !ok {
			return "", "", fmt.Errorf("%w%s", errors.Join(<-m.ended), m.console())
		}
		word, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		return word, value, nil
	case <-ctx.Done():
		return "", "", fmt.Errorf("no answer within %v%s", limit, m.console())
	}
}

// console is the end of what the guest's kernel said.
func (m *machine) console() string {
	b, _ := os.ReadFile(filepath.Join(m.set.dir, "console"))
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "\n" + strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// save holds the machine still and writes the state of its devices. Its memory
// is in its file already.
func (m *machine) save(file string) error { return m.control.save(file) }

// stop ends the machine at once.
func (m *machine) stop() {
	m.process.Process.Kill()
	<-m.ended
	m.copies.Wait()
	for _, c := range []net.Conn{m.ctl, m.out, m.err} {
		if c != nil {
			c.Close()
		}
	}
	if m.control != nil {
		m.control.conn.Close()
	}
}
