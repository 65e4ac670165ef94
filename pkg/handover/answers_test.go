package handover

import (
	"os"
	"testing"
)

func TestAnswer(t *testing.T) {
	values := map[string]string{"lxc.arch": "", "lxc.uts.name": "web", "lxc.cap.drop": "sys_time\nsys_module\n"}
	table := EncodeAnswers([]string{"lxc.arch", "lxc.uts.name", "lxc.cap.drop"}, func(k string) string { return values[k] })
	f, err := os.Create(t.TempDir() + "/record")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("plan")
	f.Write(table)
	for key, want := range values {
		if got, ok := Answer(f, Extent{4, int64(len(table))}, key); !ok || got != want {
			t.Errorf("Answer(%q) = %q, %v; want %q", key, got, ok, want)
		}
	}
	if _, ok := Answer(f, Extent{4, int64(len(table))}, "lxc.uts"); ok {
		t.Error("Answer found a key that is not there")
	}
}
