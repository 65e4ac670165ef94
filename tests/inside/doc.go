// Package inside compares C LXC and Gantry from inside: the same configurations
// started by both must give the init the same world (namespaces, mounts, devices,
// limits, environment, network, cgroups), and hooks the same arguments,
// environment and place, in the same order.
//
// The configurations stand in configs.txt, the stories whose hooks are compared
// in hooks.txt, and the differences we accept, each with its reason, in
// DIFFERENCES.
package inside
