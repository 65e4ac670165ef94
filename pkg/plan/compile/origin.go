package compile

import (
	"errors"
	"strings"

	"gantry/pkg/config"
	"gantry/pkg/plan"
)

// fail is the error of a line: `FILE:LINE: KEY: what`.
func fail(o plan.Origin, parts ...string) error {
	return &config.Error{Origin: o, Err: errors.New(strings.Join(parts, ""))}
}

// first gives the first origin that was given; the last if none was.
func first(origins ...plan.Origin) (o plan.Origin) {
	for _, o = range origins {
		if o.Given() {
			return o
		}
	}
	return o
}
