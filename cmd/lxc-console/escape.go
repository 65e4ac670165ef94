package main

import "strings"

// controlKey gives the control character that ^x or x stands for; -1 for none,
// which turns the escape off. LXC counts capitals from Z: only Z is a key.
func controlKey(arg string) int {
	letter := strings.TrimPrefix(arg, "^")
	if len(letter) == 0 {
		return -1
	}
	switch c := letter[0]; {
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 1
	case c == 'Z':
		return 1
	}
	return -1
}
