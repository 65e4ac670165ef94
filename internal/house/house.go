// Package house holds the rules of the source tree that a machine can check:
// who may import whom, what the shim links, and how files and packages look.
// CONTRIBUTING.md says them in words; the tests of this package enforce them.
package house
