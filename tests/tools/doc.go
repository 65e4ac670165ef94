// Package tools runs the built tools on real containers. Each *.txtar file is
// a story in testscript's language (github.com/rogpeppe/go-internal): commands
// and what they must print. Beside testscript's own commands there are
//
//	exec define NAME [LINE...]            makes a container of busybox without any tool
//	exec ready NAME                       waits until its init obeys signals
//	exec on-tty [EXPECT=KEYS]... -- CMD   runs CMD on a terminal
//	eventually CMD...                     repeats CMD until it succeeds, for five seconds
//	bridge NAME ADDRESS/BITS              makes a bridge that goes when the story ends
//
// Every story begins with an empty /var/lib/lxc and must leave no cgroup,
// link, socket, mount or process behind.
package tools
