package tesamanager

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// state is what the poll has seen; it is the duty's cursor.
type state struct {
	Since    int64               `json:"since"` // unix time of the very first start
	Seeded   bool                `json:"seeded"`
	Finals   int64               `json:"finals,omitempty"` // unix time up to which finished requests were searched
	Requests map[string]*tracked `json:"r"`
}

// tracked is what the poll has seen of one request.
type tracked struct {
	Met      bool              `json:"m,omitempty"`
	Foreign  bool              `json:"f,omitempty"`
	Ours     bool              `json:"y,omitempty"` // we wrote it: nothing of it was before our time
	Adopted  int64             `json:"a,omitempty"` // unix time from which one is followed because of its bond
	Quiet    bool              `json:"q,omitempty"` // where it stands is where following begins
	External string            `json:"x,omitempty"`
	Status   string            `json:"s,omitempty"`
	N        int               `json:"n,omitempty"` // changes of the state so far
	Lost     int               `json:"l,omitempty"` // rounds in no known state
	Seen     [][2]int64        `json:"e,omitempty"` // sequence numbers, as closed ranges
	Held     int64             `json:"h,omitempty"` // the sequence number that holds the later ones back
	HeldAt   int64             `json:"t,omitempty"`
	Past     int64             `json:"p,omitempty"` // up to here nobody waits for missing numbers any more
	Issues   map[string]string `json:"i,omitempty"`
	Changed  int64             `json:"c,omitempty"`
	Told     string            `json:"w,omitempty"` // the standstill that was told of
}

func readState(cursor string) (*state, error) {
	st := &state{Requests: map[string]*tracked{}}
	if cursor == "" {
		return st, nil
	}
	if err := json.Unmarshal([]byte(cursor), st); err != nil {
		return nil, fmt.Errorf("the cursor cannot be read: %w", err)
	}
	if st.Requests == nil {
		st.Requests = map[string]*tracked{}
	}
	return st, nil
}

func (st *state) write() string { return encode(st) }

// write tells whether anything changed; the whole state of many requests is too large for that.
func (t *tracked) write() string { return encode(t) }

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return string(b)
}

func (t *tracked) final() bool { return slices.Contains(finals, t.Status) }

// mark changes whenever something has moved.
func (t *tracked) mark() string { return strconv.Itoa(t.N) + "." + strconv.FormatInt(t.Changed, 10) }

func (t *tracked) saw(seq int64) bool {
	return slices.ContainsFunc(t.Seen, func(r [2]int64) bool { return r[0] <= seq && seq <= r[1] })
}

func (t *tracked) see(seq int64) {
	t.Seen = append(t.Seen, [2]int64{seq, seq})
	slices.SortFunc(t.Seen, func(a, b [2]int64) int {
		if a[0] < b[0] {
			return -1
		}
		return 1
	})
	merged := t.Seen[:1]
	for _, r := range t.Seen[1:] {
		if last := &merged[len(merged)-1]; r[0] <= last[1]+1 {
			last[1] = max(last[1], r[1])
		} else {
			merged = append(merged, r)
		}
	}
	t.Seen = merged
}

// order returns the events that are due, in the order of their sequence numbers, each once. One that is
// inconsistent, or a number that is missing, holds the later ones back for a time; what stayed
// inconsistent for that long is returned as lost, and the later ones go on.
func (t *tracked) order(events []Event, now time.Time, inconsistent, gap time.Duration) (ready, lost []Event) {
	list := slices.Clone(events)
	// The consistent form of an event that is listed twice comes first.
	slices.SortStableFunc(list, func(a, b Event) int {
		switch {
		case a.SequenceNumber != b.SequenceNumber:
			return int(max(-1, min(1, a.SequenceNumber-b.SequenceNumber)))
		case a.Inconsistent == b.Inconsistent:
			return 0
		case a.Inconsistent:
			return 1
		}
		return -1
	})
	waits := func(seq int64, limit time.Duration) bool {
		if t.HeldAt == 0 || t.Held != seq {
			t.Held, t.HeldAt = seq, now.Unix()
		}
		return now.Sub(time.Unix(t.HeldAt, 0)) < limit
	}
	for _, e := range list {
		seq := e.SequenceNumber
		if t.saw(seq) {
			continue
		}
		// Where the numbers begin is not published; 0 and 1 are waited for no longer than any other.
		top := t.Past
		if len(t.Seen) > 0 {
			top = max(top, t.Seen[len(t.Seen)-1][1])
		}
		if seq > top+1 {
			if waits(seq-1, gap) {
				return ready, lost
			}
			t.Past = seq - 1 // this event may have to wait, too, and one wait must not begin the other anew
		}
		if e.Inconsistent {
			if waits(seq, inconsistent) {
				return ready, lost
			}
			lost = append(lost, e)
		} else {
			ready = append(ready, e)
		}
		t.see(seq)
		t.Held, t.HeldAt = 0, 0
	}
	return ready, lost
}
