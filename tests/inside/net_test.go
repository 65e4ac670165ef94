package inside

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// numbers are what differs in ip's output from one time to the next.
var numbers = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`(?m)^\d+: `), ""},
	{regexp.MustCompile(`@if\d+`), "@if"},
	{regexp.MustCompile(`veth\w{6}`), "vethXXXXXX"},
	{regexp.MustCompile(`link-netnsid \d+`), "link-netnsid N"},
	{regexp.MustCompile(`(port_no|port_id|designated_port|timer) \S+ `), ""},
	{regexp.MustCompile(`(hello|tcn|topology_change|gc|hold|message_age|forward_delay)_timer +\S+`), ""},
	{regexp.MustCompile(`link/ether (.[^0]|0[^0]|00:[^1]|00:1[^6])\S+`), "link/ether RANDOM"},
	{regexp.MustCompile(`(bridge_id|designated_root|designated_bridge) \S+`), "$1"},
	// How far the kernel has come with a link, and with its own addresses.
	{regexp.MustCompile(`NO-CARRIER,|,LOWER_UP| tentative`), ""},
	{regexp.MustCompile(` state (UP|DOWN|UNKNOWN|LOWERLAYERDOWN|disabled|forwarding) `), " "},
	{regexp.MustCompile(`(?m)^.*(fe80|ff00|anycast).*\n( *valid_lft.*\n)?`), ""},
}

// ip gives the output of a script of ip(8) in the network namespace of a
// process.
func ip(pid int, script string) string {
	cmd := exec.Command("nsenter", "-t", strconv.Itoa(pid), "-n", "sh", "-c", script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	text := string(out)
	for _, n := range numbers {
		text = n.pattern.ReplaceAllString(text, n.text)
	}
	return squeeze(text)
}

// sysctls gives some values as a process in the same uts, ipc and network
// namespaces reads them.
func sysctls(pid int) string {
	files := strings.Fields("kernel/hostname kernel/domainname kernel/msgmax kernel/shmmax fs/mqueue/msg_max net/ipv4/ip_forward net/ipv6/conf/all/disable_ipv6")
	for i, f := range files {
		files[i] = "/proc/sys/" + f
	}
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(pid), "-u", "-i", "-n", "grep", ""}, files...)...)
	out, _ := cmd.CombinedOutput()
	return string(out)
}
