// Package seccomp starts containers with seccomp policies under C LXC and under
// Gantry, and compares by real calls what their filters do; and it lets proxies
// misbehave that decide calls (lxc.seccomp.notify.proxy).
package seccomp
