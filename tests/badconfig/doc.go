// Package badconfig starts containers whose configurations cannot work. Each
// start must fail within a second, with status 1 and one line that names the
// cause and the line of the configuration, and leave nothing behind.
package badconfig
