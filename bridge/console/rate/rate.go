// Package rate remembers for the last hour how many events came in from and went out to each side,
// minute by minute, for the small charts of the console. A [Recorder] is memory of one process; what
// others counted, or this one before it was started again, is added from what they told ([Minute]).
// Long series are the business of Prometheus.
package rate

import (
	"sync"
	"time"
)

// Minutes is how far back a [Recorder] remembers.
const Minutes = 60

// A Recorder counts. It is safe for concurrent use.
type Recorder struct {
	now   func() time.Time
	start time.Time

	mu    sync.Mutex
	sides map[string]*side
}

// side is a ring of minutes; at is the minute its newest bucket stands for.
type side struct {
	at      int64
	in, out [Minutes]int64
}

// New returns an empty recorder; now nil: time.Now.
func New(now func() time.Time) *Recorder {
	if now == nil {
		now = time.Now
	}
	return &Recorder{now: now, start: now(), sides: map[string]*side{}}
}

// In counts an event that came from a side.
func (r *Recorder) In(name string) { r.count(name, true) }

// Out counts an event that was applied at a side.
func (r *Recorder) Out(name string) { r.count(name, false) }

func (r *Recorder) count(name string, in bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sides[name]
	if s == nil {
		s = &side{}
		r.sides[name] = s
	}
	i := s.turn(r.minute())
	if in {
		s.in[i]++
	} else {
		s.out[i]++
	}
}

func (r *Recorder) minute() int64 { return r.now().Unix() / 60 }

// turn moves the ring on to minute m and returns the bucket of m.
func (s *side) turn(m int64) int {
	for gone := min(m-s.at, Minutes); gone > 0; gone-- {
		i := (m - gone + 1) % Minutes
		s.in[i], s.out[i] = 0, 0
	}
	s.at = max(s.at, m)
	return int(s.at % Minutes)
}

// A Minute is what was counted in one minute, by side: in, out.
type Minute map[string][2]int64

// Minute returns the number of the minute under way (since 1970), what was counted in the one that is
// back minutes before it, and whether that was anything.
func (r *Recorder) Minute(back int64) (number int64, m Minute, any bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	number = r.minute() - back
	m = Minute{}
	for name, s := range r.sides {
		s.turn(r.minute())
		i := (number%Minutes + Minutes) % Minutes
		if in, out := s.in[i], s.out[i]; back < Minutes && in+out > 0 {
			m[name] = [2]int64{in, out}
		}
	}
	return number, m, len(m) > 0
}

// Add adds what somebody else counted in minute number to s, which is of side name ("": all) and whose
// last minute is now.
func (s *Series) Add(now, number int64, name string, m Minute) {
	i := int64(Minutes) - 1 - (now - number)
	if i < 0 || i >= Minutes {
		return
	}
	for side, n := range m {
		if name == "" || side == name {
			s.In[i] += n[0]
			s.Out[i] += n[1]
		}
	}
}

// A Series is the last hour of one side, or of all.
type Series struct {
	// In and Out are counts by minute, oldest first; the last one is the minute under way.
	In, Out []int64
	// Since is when counting began, if that was within the hour; else zero.
	Since time.Time
}

// Series returns the last hour of a side; of all sides together for "".
func (r *Recorder) Series(name string) Series {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.minute()
	out := Series{In: make([]int64, Minutes), Out: make([]int64, Minutes)}
	if r.now().Sub(r.start) < Minutes*time.Minute {
		out.Since = r.start
	}
	for n, s := range r.sides {
		if name != "" && n != name {
			continue
		}
		newest := int64(s.turn(m))
		for i := range int64(Minutes) {
			at := (newest + 1 + i) % Minutes
			out.In[i] += s.in[at]
			out.Out[i] += s.out[at]
		}
	}
	return out
}
