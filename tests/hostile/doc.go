// Package hostile attacks: each test is what root inside a container may try,
// once as the host's own root and once behind an id map. Nothing outside the
// container may be read, written, mounted over or executed, and its monitor
// may not die, hang, spin or grow.
//
// The attacks themselves are the program in evil, which every rootfs here has
// as /evil. What it is after is a file system of its own, /run/rig/outside,
// which tells of every access.
package hostile
