package attach

import (
	"strings"
	"testing"
)

func TestShellOf(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/bash\n" +
		"short:x:7\n" +
		"twice:x:7:7::/:bin/relative\n" +
		"again:x:7:7::/:/bin/zsh\n" +
		"none:x:8:8::/:\n"
	for uid, want := range map[int64]string{0: "/bin/bash", 7: "/bin/zsh", 8: "/bin/sh", 9: "/bin/sh"} {
		if got := shellOf(strings.NewReader(passwd), uid); got != want {
			t.Errorf("shellOf(%d) = %q; want %q", uid, got, want)
		}
	}
}

// The file is the container's: whatever it holds, the shell is a path without
// a line break, another field or a NUL in it.
func FuzzShellOf(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n", int64(0))
	f.Add("a:b:0:d:e:f:/bin/sh\x00x\n", int64(0))
	f.Add("a:b:-1:::/x:/y:z", int64(-1))
	f.Fuzz(func(t *testing.T, passwd string, uid int64) {
		if got := shellOf(strings.NewReader(passwd), uid); got[0] != '/' || strings.ContainsAny(got, ":\n\x00") {
			t.Errorf("shellOf = %q", got)
		}
	})
}
