package personality

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for arch, want := range map[string]int64{
		"x86": Linux32, "i686": Linux32, "linux32": Linux32, "x32": Linux32, "armv7l": Linux32, "mips": Linux32,
		"amd64": Linux, "x86_64": Linux, "arm64": Linux, "riscv64": Linux, "loong64": Linux, "linux64": Linux,
	} {
		if got, err := Parse(arch); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", arch, got, err, want)
		}
	}
	for _, arch := range []string{"", "X86", "armv8", "x86 x32", "amd64 "} {
		if got, err := Parse(arch); err == nil || !strings.Contains(err.Error(), "amd64") {
			t.Errorf("Parse(%q) = %d, %v; want an error that lists the names", arch, got, err)
		}
	}
}

func TestName(t *testing.T) {
	for persona, want := range map[int64]string{Linux: "x86_64", Linux32: "i686", -1: ""} {
		if got := Name(persona); got != want {
			t.Errorf("Name(%d) = %q; want %q", persona, got, want)
		}
	}
}
