package rig

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxContent is the size above which Tree leaves a file's content out.
const maxContent = 64 << 10

// Tree describes what lies beneath dirs, one line for each file with its mode
// and, for links, the target; the content of a regular file follows, indented.
// Of directories named rootfs only the names and modes are given. A directory
// that does not exist has no lines.
func Tree(dirs ...string) string {
	var b strings.Builder
	for _, dir := range dirs {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // gone since its directory was read
			}
			describe(&b, path, d)
			return nil
		})
	}
	return b.String()
}

func describe(b *strings.Builder, path string, d fs.DirEntry) {
	info, err := d.Info()
	if err != nil {
		return
	}
	fmt.Fprintf(b, "%s %s", info.Mode(), path)
	if info.Mode()&fs.ModeSymlink != 0 {
		target, _ := os.Readlink(path)
		fmt.Fprintf(b, " -> %s", target)
	}
	b.WriteByte('\n')
	if !info.Mode().IsRegular() || info.Size() > maxContent || strings.Contains(path, "/rootfs/") {
		return
	}
	data, _ := os.ReadFile(path)
	for line := range strings.Lines(string(data)) {
		b.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
	}
}
