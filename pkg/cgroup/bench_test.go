package cgroup

import (
	"errors"
	"testing"
	"time"

	"gantry/pkg/plan"
)

func BenchmarkDetect(b *testing.B) {
	for b.Loop() {
		if _, err := Detect(plan.Cgroup{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLife makes and removes a container's cgroups.
func BenchmarkLife(b *testing.B) {
	host, err := Detect(plan.Cgroup{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := host.Create(plan.Cgroup{}, "gantry-test-bench", "/p/bench", nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(s.RemovePayload(time.Second), s.RemoveMonitor(time.Second)); err != nil {
			b.Fatal(err)
		}
	}
}
