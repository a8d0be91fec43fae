package vendorapi

import (
	"maps"
	"slices"
	"sync"
)

// Fresh hands what a process has just written at the vendor to its own poll. The zero value is usable.
type Fresh struct {
	mu   sync.Mutex
	refs map[string]bool
}

// Add keeps references until they are taken.
func (f *Fresh) Add(refs ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refs == nil {
		f.refs = map[string]bool{}
	}
	for _, r := range refs {
		f.refs[r] = true
	}
}

// Take returns what was added since, sorted. Who cannot keep it adds it again.
func (f *Fresh) Take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Sorted(maps.Keys(f.refs))
	clear(f.refs)
	return out
}
