package signal

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int // -1: an error
	}{
		{"SIGKILL", 9}, {"sigkill", 9}, {"SiGiOt", 6}, {"sigcld", 17}, {"SIGPWR", 30},
		{"0", 0}, {"9", 9}, {"0x9", 9}, {"010", 8}, {"64", 64},
		{"SIGRTMIN+0", 34}, {"SIGRTMIN+3", 37}, {"sigrtmin+0x3", 37}, {"SIGRTMAX-1", 63}, {"SIGRTMAX-30", 34},
		{"", -1}, {"KILL", -1}, {"65", -1}, {"-1", -1}, {"9x", -1}, {"SIG", -1}, {"SIGRTMIN", -1}, {"SIGRTMIN+", -1},
		{"SIGRTMIN+31", -1}, {"SIGRTMAX-31", -1}, {"SIGRTMIN--1", -1}, {"SIGRTMAX+1", -1}, {"SIGRT5", -1}, {"SIG9", -1},
	} {
		got, err := Parse(c.in)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("Parse(%q) = %d, %v; want %d", c.in, got, err, c.want)
		}
	}
}

func TestParseSuggests(t *testing.T) {
	const want = `"kill" is not a signal (did you mean SIGKILL?)`
	if _, err := Parse("kill"); err == nil || err.Error() != want {
		t.Errorf("Parse(kill) = %v; want %s", err, want)
	}
}
