package sqlite

import (
	"math"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// destRow is what all replicas share of a destination.
type destRow struct {
	name     string
	paused   bool
	failures int
	openTo   int64
	openFor  int64
	probe    string // token of the lease that probes
	up       int64
	answered int64
	tokens   float64
	filled   int64

	inFlight int
	limit    bridge.Limit // as last wanted
	dirty    bool
}

func (t *tx) dest(name string) *destRow {
	if d := t.dests[name]; d != nil {
		return d
	}
	d := &destRow{name: name}
	if !t.row("SELECT paused, failures, open_to, open_for, probe, up, answered, tokens, filled FROM destination WHERE name = ?", name).
		scan(&d.paused, &d.failures, &d.openTo, &d.openFor, &d.probe, &d.up, &d.answered, &d.tokens, &d.filled) {
		t.exec("INSERT INTO destination VALUES (?, 0, 0, 0, 0, '', 0, 0, 0, 0)", name)
	}
	t.row("SELECT count(*) FROM lane WHERE dest = ? AND state = 'leased' AND state <> 'idle'", name).scan(&d.inFlight)
	t.dests[name] = d
	return d
}

func (d *destRow) flush(t *tx) {
	if d.dirty {
		t.exec("UPDATE destination SET paused = ?, failures = ?, open_to = ?, open_for = ?, probe = ?, up = ?, answered = ?, tokens = ?, filled = ? WHERE name = ?",
			d.paused, d.failures, d.openTo, d.openFor, d.probe, d.up, d.answered, d.tokens, d.filled, d.name)
		d.dirty = false
	}
}

// maxGap bounds what one gap between two answers adds to the answered time.
const maxGap = 10 * time.Minute

// answeredWell adds to the time in which the destination answers.
func (d *destRow) answeredWell(now int64) {
	if d.answered != 0 {
		d.up += min(max(now-d.answered, 0), int64(maxGap))
	}
	d.answered = now
	d.dirty = true
}

// note keeps breaker and answered time after one result.
func (d *destRow) note(now int64, r bridge.Result) {
	o, l := r.Outcome, d.limit
	probe := d.probe != "" && d.probe == string(r.Lease.Token)
	if probe {
		d.probe = ""
	}
	d.dirty = true
	if !o.Down && !o.Contact() {
		return
	}
	if !o.Down {
		d.failures, d.openTo, d.openFor = 0, 0, 0
		if o.Kind == bridge.OutcomeDone || o.Kind == bridge.OutcomeRefused {
			d.answeredWell(now)
		}
		return
	}
	d.failures++
	d.answered = 0
	if l.Break <= 0 || d.failures < l.Break {
		return
	}
	switch {
	case d.openFor == 0:
		d.openFor = int64(l.BreakFor)
	case probe:
		d.openFor = min(d.openFor*2, 16*int64(l.BreakFor))
	default:
		return // a straggler from before it opened
	}
	d.openTo = now + d.openFor
}

// room returns how many leases may be given now, and when asking again makes sense if time is what
// is missing.
func (d *destRow) room(now int64, w bridge.Want) (n int, next int64) {
	n = w.N
	d.limit = w.Limit
	if d.paused {
		return 0, 0
	}
	if w.Limit.InFlight > 0 {
		n = min(n, w.Limit.InFlight-d.inFlight)
	}
	if w.Limit.Break > 0 && d.failures >= w.Limit.Break {
		if now < d.openTo {
			return 0, d.openTo
		}
		if d.probe != "" {
			return 0, 0
		}
		n = min(n, 1)
	}
	if w.Limit.Rate > 0 && n > 0 {
		burst := float64(max(w.Limit.Burst, 1))
		if d.filled == 0 {
			d.tokens = burst
		} else {
			d.tokens = math.Min(burst, d.tokens+float64(now-d.filled)/1e9*w.Limit.Rate)
		}
		d.filled, d.dirty = now, true
		if d.tokens+1e-9 < 1 {
			return 0, now + int64(math.Ceil((1-d.tokens)/w.Limit.Rate*1e9))
		}
		n = min(n, int(d.tokens+1e-9))
	}
	return max(n, 0), 0
}

// took records one lease given.
func (d *destRow) took(w bridge.Want, token string) {
	d.inFlight++
	d.dirty = true
	if w.Limit.Rate > 0 {
		d.tokens--
	}
	if w.Limit.Break > 0 && d.failures >= w.Limit.Break {
		d.probe = token
	}
}
