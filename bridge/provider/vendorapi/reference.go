package vendorapi

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// TaskReference is our own reference at a vendor: prefix, task and suffix. The vendor is asked for it
// before anything is written a second time, so it must tell our tickets from those of others.
type TaskReference struct {
	Prefix string `yaml:"prefix" doc:"text before the task"`
	Suffix string `yaml:"suffix" doc:"text after the task"`
}

// Complete gives a reference that the config leaves out its prefix. followed says that a poll has to tell our
// tickets from others.
func (x *TaskReference) Complete(n *config.Node, followed bool) {
	if !n.Exists() {
		x.Prefix = "SSP-"
	}
	if followed && *x == (TaskReference{}) {
		n.Problemf("prefix: SSP-", "without prefix or suffix nobody can tell our tickets from others, and the poll would take them all")
	}
}

// Of returns the reference of a task.
func (x TaskReference) Of(task string) string { return x.Prefix + task + x.Suffix }

// Task returns the task of a reference; ok is false when it is not one of ours.
func (x TaskReference) Task(ref string) (task string, ok bool) {
	task, ok = strings.CutPrefix(ref, x.Prefix)
	if !ok {
		return "", false
	}
	task, ok = strings.CutSuffix(task, x.Suffix)
	return task, ok && task != ""
}
