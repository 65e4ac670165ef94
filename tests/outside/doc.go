// Package outside compares C LXC and Gantry from outside: the same command
// lines, each in a fresh state of the small machine of tests/rig, must print
// the same, exit with the same status and leave the same files, cgroups, links
// and sockets.
//
// The command lines stand in cases.txt, what they find in fixtures.txt, and
// the differences we accept, each with its reason, in DIFFERENCES.
package outside
