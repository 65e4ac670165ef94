// Package crash kills. One process that takes part in a start, a stop, a
// reboot, a creation or a destruction dies of SIGKILL right before its k-th
// system call, for k = 1, 1+n, ... up to the last. Afterwards the next
// lxc-start, lxc-stop or lxc-destroy must do its work, and nothing may be left
// behind: no cgroup, link, mount, socket, process or directory.
//
//	go test ./tests/crash -run TestCrash/reboot/stage -stride 1 -first 40 -count 5
//
// The killing is done by ptrace(2), which follows the tool into all processes
// that come of it and lets those that are not the victim run freely.
package crash
