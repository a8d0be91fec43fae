package soap

import "sync"

// maxProgress bounds the events of which is remembered how far they got.
const maxProgress = 10_000

// progress remembers, in memory, how many parts of an event's text were taken, so that a repeat goes
// on where it stopped. The zero progress is usable.
type progress struct {
	mu    sync.Mutex
	done  map[string]int
	order []string // in the order of their first part
}

func (p *progress) of(event string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[event]
}

func (p *progress) set(event string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = map[string]int{}
	}
	if _, ok := p.done[event]; !ok {
		p.order = append(p.order, event)
		if len(p.order) > maxProgress {
			delete(p.done, p.order[0])
			p.order = p.order[1:]
		}
	}
	p.done[event] = n
}

// forget ends it. The place in the order stays until it is reached; setting it again is harmless.
func (p *progress) forget(event string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.done, event)
}
