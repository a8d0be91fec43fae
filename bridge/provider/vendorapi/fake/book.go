package fake

import (
	"slices"
	"sync"
)

// A Book keeps what was written to a fake, and what was wrong with the requests that it got. Fakes embed it; its lock
// guards the rest of them, too.
type Book[E any] struct {
	Mu         sync.Mutex
	effects    []E
	violations []string
}

// Ledger returns everything that was written, in order.
func (b *Book[E]) Ledger() []E {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return slices.Clone(b.effects)
}

// Violations returns what was wrong with requests: what the vendor's file, or the fake, objected to.
func (b *Book[E]) Violations() []string {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return slices.Clone(b.violations)
}

// Wrote keeps an effect and returns how many there are now. The lock is held.
func (b *Book[E]) Wrote(e E) int {
	b.effects = append(b.effects, e)
	return len(b.effects)
}

// Violated keeps what is wrong with a request, and reports whether anything is. The lock is held.
func (b *Book[E]) Violated(request string, problems ...string) bool {
	for _, p := range problems {
		b.violations = append(b.violations, request+": "+p)
	}
	return len(problems) > 0
}
