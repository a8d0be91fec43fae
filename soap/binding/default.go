package binding

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// DefaultName returns the name that SSP's documentation gives the operation for that kind.
func DefaultName(k bridge.Kind) string {
	switch k {
	case bridge.Acknowledge:
		return workflow.Acknowledgement
	case bridge.Update:
		return workflow.UpdateMessage
	case bridge.Resolve:
		return workflow.Reassignment
	}
	return ""
}

// Default returns the binding to the default contract, which the generated client speaks as well.
func Default() *Operations {
	op := func(name string, role Role) Operation {
		return Operation{Arguments: Arguments{{Path: "processInstanceTaskId", Role: Task}, {Path: name, Role: role}}}
	}
	return &Operations{
		Acknowledge: op("externalReference", Reference),
		Update:      op("message", Message),
		Resolve:     op("solution", Solution),
	}
}

// nearest returns the word of all that differs from s in case, or in a character or two; "" if none does.
func nearest(s string, all []string) string {
	best, at := "", 3
	for _, w := range all {
		d := distance(strings.ToLower(s), strings.ToLower(w))
		if d < at && d*3 <= len(s) {
			best, at = w, d
		}
	}
	return best
}

// distance is that of Levenshtein, over bytes; words longer than 100 bytes are far from everything.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, last+cost)
		}
	}
	return row[len(b)]
}
