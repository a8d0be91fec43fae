package sqlite

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

const (
	defaultWaiting = 15 * time.Minute
	defaultKeep    = 90 * 24 * time.Hour
	sweepBatch     = 1000
)

// Sweep implements [bridge.Store].
func (s *Store) Sweep(ctx context.Context, o bridge.SweepOptions) (bridge.Swept, error) {
	if o.WaitingLimit <= 0 {
		o.WaitingLimit = defaultWaiting
	}
	if o.Batch <= 0 {
		o.Batch = sweepBatch
	}
	o.ClaimLife = max(o.ClaimLife, bridge.ClaimLife)
	var out bridge.Swept
	err := s.do(ctx, 0, func(t *tx) error {
		out = bridge.Swept{Expired: t.sweepLeases()}
		out.Quarantined = t.sweepOpens(o.Batch) + t.sweepWaiting(o)
		out.Shrunk = t.sweepBodies(o)
		out.Forgotten = t.sweepClaims(o)
		t.exec("DELETE FROM wrote WHERE n IN (SELECT n FROM wrote WHERE comment = '' AND at < ? LIMIT ?)", t.now-int64(echoLife), o.Batch)
		t.exec("DELETE FROM wrote WHERE n IN (SELECT n FROM wrote ORDER BY n LIMIT ?) AND at < ?", o.Batch, t.now-int64(commentLife))
		t.exec("DELETE FROM session WHERE until < ?", t.now-int64(time.Hour))
		t.indexTexts(o.Batch)
		return nil
	})
	return out, err
}

// sweepLeases makes the leases of dead sessions unknown.
func (t *tx) sweepLeases() int {
	t.flush()
	n := 0
	for _, id := range t.ints("SELECT id FROM lane WHERE state = 'leased' AND state <> 'idle' AND dest IN (SELECT name FROM destination) AND session NOT IN (SELECT id FROM session WHERE until > ?)", t.now) {
		l := t.laneByID(id)
		head := t.headOf(l)
		d := t.dest(l.dest)
		d.inFlight--
		if d.probe == l.token {
			d.probe, d.dirty = "", true
		}
		const detail = "the replica that delivered this died or stalled; whether it was applied is not known"
		t.exec("INSERT OR IGNORE INTO attempt VALUES (?, ?, ?, ?, ?, 'unknown', ?, ?, ?, '', '', 0, ?, '')",
			head.Seq, l.attempt, l.token, l.leasedAt, t.now, bridge.LeaseExpired, bridge.ThenWait, detail, l.session)
		t.unlease(l)
		l.unknown, l.unknownAt = true, t.now
		n++
		if l.evidence {
			b := t.bond(l.lid.Provider, l.lid.Task)
			t.done(l, head, b, bridge.ByEvidence, l.evidenceRef, bridge.ReferenceKey(l.evidenceRef, false))
			t.settledOpen(head)
			t.returned(head)
			t.recheck(l)
			continue
		}
		l.due = t.now
		t.setEvent(head, bridge.StateQueued, bridge.LeaseExpired)
		t.setLane(l, bridge.LaneReady, bridge.LeaseExpired, detail)
	}
	return n
}

// sweepWaiting quarantines what waited too long, unless an unsettled submit may still bring its bond,
// or the open of its reference the task.
func (t *tx) sweepWaiting(o bridge.SweepOptions) int {
	n := 0
	for _, seq := range t.ints(`SELECT seq FROM event e WHERE state = 'waiting' AND reason <> 'maybe_echo' AND kind <> 'open' AND received <= ?
		AND NOT EXISTS (SELECT 1 FROM event s WHERE s.provider = e.provider AND s.kind = 'submit' AND s.state IN ('queued', 'leased', 'parked'))
		AND NOT EXISTS (SELECT 1 FROM claim c JOIN event o ON o.seq = c.seq WHERE e.ref_key <> '' AND c.provider = e.provider AND c.dir = 'in' AND c.key = 'o:' || e.ref_key
			AND (o.state IN ('queued', 'leased', 'parked') OR o.state = 'done' AND o.reason <> 'observed' AND o.ended > ?))
		ORDER BY received, seq LIMIT ?`, t.now-int64(o.WaitingLimit), t.now-int64(bridge.OpenWait), o.Batch) {
		e := t.event(seq)
		e.Detail = "nobody knew its " + map[bool]string{true: "reference " + strconv.Quote(e.Reference), false: "task " + strconv.Quote(e.Task)}[e.RefKey != ""] +
			" in time; it goes on by itself when the bond appears, or assign it"
		t.placeEvent(e, bridge.StateQuarantined, e.Reason, 0, 0)
		n++
	}
	return n
}

// sweepBodies reduces settled events to what their provider's retention keeps. It goes through the
// providers one by one, so that one that keeps long does not stand before the others.
func (t *tx) sweepBodies(o bridge.SweepOptions) int {
	t.forgetOldKeeps(o)
	n := 0
	provider := ""
	for n < o.Batch && t.row("SELECT provider FROM event WHERE ended > 0 AND shrunk = 0 AND provider > ? ORDER BY provider LIMIT 1", provider).scan(&provider) {
		k, ok := o.Keep[provider]
		if !ok {
			k = o.Keep[""]
		}
		if k.What == "" {
			k.What = bridge.KeepText
		}
		if k.For <= 0 {
			k.For = defaultKeep
		}
		for _, seq := range t.ints("SELECT seq FROM event WHERE ended > 0 AND shrunk = 0 AND provider = ? AND ended <= ? ORDER BY ended LIMIT ?",
			provider, t.now-int64(k.For), o.Batch-n) {
			if k.What == bridge.KeepFull {
				t.exec("UPDATE event SET shrunk = 2 WHERE seq = ?", seq)
				continue
			}
			t.shrink(seq, k.What)
			n++
		}
	}
	return n
}

// forgetOldKeeps looks again at what an earlier retention kept whole, once the config says otherwise.
func (t *tx) forgetOldKeeps(o bridge.SweepOptions) {
	policy, err := json.Marshal(o.Keep)
	if err != nil {
		panic(sqlError{err})
	}
	var was string
	if t.row("SELECT value FROM meta WHERE key = 'keep'").scan(&was) && was != string(policy) {
		t.exec("UPDATE event SET shrunk = 0 WHERE shrunk = 2")
	}
	if was != string(policy) {
		t.exec("INSERT INTO meta VALUES ('keep', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", string(policy))
	}
}

// shrink reduces one event.
func (t *tx) shrink(seq int64, what bridge.KeepWhat) {
	e := t.event(seq)
	delete(t.events, seq)
	small := bridge.Event{Text: e.Text, Author: e.Author, Ticket: e.Ticket, Title: e.Title, Comment: e.Comment, Key: e.Key}
	if what == bridge.KeepDigest {
		small = bridge.Event{Key: e.Key, Comment: e.Comment}
	}
	hash := e.ContentHash()
	t.row("SELECT json_extract(CAST(event AS TEXT), '$.content_hash') FROM body WHERE seq = ? AND EXISTS (SELECT 1 FROM event WHERE event.seq = body.seq AND shrunk = 1)", seq).scan(&hash)
	body, err := json.Marshal(struct {
		bridge.Event
		ContentHash string `json:"content_hash"`
	}{small, hash})
	if err != nil {
		panic(sqlError{err})
	}
	t.exec("UPDATE body SET event = ? WHERE seq = ?", body, seq)
	t.exec("UPDATE event SET shrunk = 1 WHERE seq = ?", seq)
	t.exec("UPDATE attempt SET request = '', answer = '' WHERE seq = ?", seq)
	t.exec("DELETE FROM word WHERE rowid = ?", seq)
	if text := searchText(&small); what == bridge.KeepText && text != "" {
		t.exec("INSERT INTO word (rowid, text) VALUES (?, ?)", seq, text) // what was removed must not be found any more
	}
}

// sweepClaims forgets the oldest claims past their life whose events are settled.
func (t *tx) sweepClaims(o bridge.SweepOptions) int {
	return int(t.exec(`DELETE FROM claim WHERE n IN (SELECT n FROM claim ORDER BY n LIMIT ?) AND at < ?
		AND EXISTS (SELECT 1 FROM event WHERE event.seq = claim.seq AND ended > 0)`, o.Batch, t.now-int64(o.ClaimLife)))
}

// indexTexts brings the full-text index up to date, a bounded piece at a time.
func (t *tx) indexTexts(limit int) {
	var to int64
	t.row("SELECT value FROM meta WHERE key = 'indexed'").scan(&to)
	from := to
	for _, seq := range t.ints("SELECT seq FROM event WHERE seq > ? ORDER BY seq LIMIT ?", from, limit) {
		_, cached := t.events[seq]
		e := t.event(seq)
		if text := searchText(e); text != "" {
			t.exec("INSERT INTO word (rowid, text) VALUES (?, ?)", seq, text)
		}
		if !cached {
			delete(t.events, seq)
		}
		to = seq
	}
	if to != from {
		t.exec("INSERT INTO meta VALUES ('indexed', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", to)
	}
}

func searchText(e *bridge.Event) string {
	return strings.TrimSpace(strings.Join([]string{e.Title, e.Text, e.Description, e.Author, e.Ticket, e.Reference, e.Task, e.Requester.Name, e.Requester.Email}, " "))
}
