package vendorapi

import "strings"

// TaskReference is our own reference at a vendor: prefix, task and suffix. The vendor is asked for it
// before anything is written a second time, so it must tell our tickets from those of others.
type TaskReference struct {
	Prefix string `yaml:"prefix" doc:"text before the task"`
	Suffix string `yaml:"suffix" doc:"text after the task"`
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
