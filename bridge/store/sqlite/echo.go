package sqlite

import (
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// echoLife is how long a text we wrote may come back as an echo, commentLife how long a comment
// with an id may: ids are not mistaken for somebody else's words.
const (
	echoLife    = 24 * time.Hour
	commentLife = 90 * 24 * time.Hour
)

// echo carries out step 4 of package bridge, "Accept".
func (t *tx) echo(e *bridge.Event) (bridge.Receipt, bool) {
	if e.Echo == bridge.EchoUnknown {
		return bridge.Receipt{}, false
	}
	var l *laneRow
	if e.Task != "" {
		l = t.lane(bridge.LaneID{Provider: e.Provider, Task: e.Task, Dir: e.Dir.Opposite()})
	}
	switch e.Echo {
	case bridge.EchoByDirection, bridge.EchoByAuthor:
		return t.ended(e, bridge.IsEcho, t.evidence(l, e, 0)), true
	case bridge.EchoByComment:
		if l == nil || e.Comment == "" {
			return bridge.Receipt{}, false
		}
		var seq int64
		if t.row("SELECT seq FROM wrote WHERE lane = ? AND comment = ? ORDER BY n LIMIT 1", l.id, e.Comment).scan(&seq) {
			return t.isEchoOf(l, e, seq), true
		}
		head := t.headOf(l)
		if head != nil && (l.state == bridge.LaneLeased || l.unknown) && len(writtenTexts(head)) > 0 {
			l.echoes++
			t.touch(l)
			return t.kept(e, bridge.StateWaiting, bridge.MaybeEcho, ""), true
		}
	case bridge.EchoByText:
		if hash := bridge.TextHash(e.Text); l != nil && hash != "" {
			var n, seq int64
			if t.row("SELECT n, seq FROM wrote WHERE lane = ? AND hash = ? AND at > ? ORDER BY n LIMIT 1", l.id, hash, t.now-int64(echoLife)).scan(&n, &seq) {
				t.exec("UPDATE wrote SET hash = '' WHERE n = ?", n) // one write ends one echo
				return t.isEchoOf(l, e, seq), true
			}
		}
	}
	return bridge.Receipt{}, false
}

// behindMaybeEcho reports whether an earlier event of e's lane waits to know whether it is an echo:
// e must not overtake it, and waits as well.
func (t *tx) behindMaybeEcho(e *bridge.Event) bool {
	l := t.lane(bridge.LaneID{Provider: e.Provider, Task: e.Task, Dir: e.Dir.Opposite()})
	if l == nil || l.echoes == 0 {
		return false
	}
	l.echoes++
	t.touch(l)
	return true
}

// isEchoOf ends e as the echo of the written event seq of lane l.
func (t *tx) isEchoOf(l *laneRow, e *bridge.Event, seq int64) bridge.Receipt {
	first := t.event(seq).ID
	t.evidence(l, e, seq)
	return t.ended(e, bridge.IsEcho, first)
}

// writtenTexts are the texts of an event that the other side will show as somebody's words.
func writtenTexts(e *bridge.Event) []string {
	var out []string
	for _, text := range []string{e.Text, e.Description} {
		if h := bridge.TextHash(text); h != "" {
			out = append(out, h)
		}
	}
	return out
}

// noteWriting records, with the lease, what is about to be written.
func (t *tx) noteWriting(l *laneRow, e *bridge.Event) {
	for _, hash := range writtenTexts(e) {
		t.exec("INSERT INTO wrote (lane, seq, token, hash, comment, at) VALUES (?, ?, ?, ?, '', ?)", l.id, e.Seq, l.token, hash, t.now)
	}
}

// noteComment records the id the other side gave to what we wrote.
func (t *tx) noteComment(l *laneRow, e *bridge.Event, token, comment string) {
	if t.exec("UPDATE wrote SET comment = ? WHERE n = (SELECT n FROM wrote WHERE lane = ? AND token = ? ORDER BY n LIMIT 1)", comment, l.id, token) == 0 {
		t.exec("INSERT INTO wrote (lane, seq, token, hash, comment, at) VALUES (?, ?, ?, '', ?, ?)", l.id, e.Seq, token, comment, t.now)
	}
}

// recheck decides again the events that waited to know whether they are echoes of this lane.
func (t *tx) recheck(l *laneRow) {
	if l.echoes == 0 || l.state == bridge.LaneLeased || l.unknown {
		return
	}
	l.echoes = 0
	t.touch(l)
	for _, seq := range t.ints("SELECT seq FROM event WHERE state IN ('waiting', 'quarantined') AND state = 'waiting' AND provider = ? AND task = ? AND dir = ? AND reason = 'maybe_echo' ORDER BY seq",
		l.lid.Provider, l.lid.Task, l.lid.Dir.Opposite()) {
		t.decide(t.event(seq))
	}
}

// evidence uses an echo as a receipt for the head of the lane that wrote it. seq names the written
// event where it is known for sure; otherwise kind and content have to agree. It returns the id of
// the event the echo confirms, "" if none.
func (t *tx) evidence(l *laneRow, e *bridge.Event, seq int64) string {
	head := t.headOf(l)
	if head == nil || (seq != 0 && head.Seq != seq) || (seq == 0 && !agrees(e, head)) {
		return ""
	}
	return t.proved(l, head, e.ID)
}

// proved settles an unknown head as done, or remembers the proof if a try is in flight.
func (t *tx) proved(l *laneRow, head *bridge.Event, by string) string {
	switch {
	case l.state == bridge.LaneLeased:
		l.evidence = true
		t.touch(l)
	case l.unknown:
		t.endHead(l, head, bridge.StateDone, bridge.ByEvidence, by)
		t.recheck(l)
	default:
		return ""
	}
	return head.ID
}

// agrees reports whether echo e is what writing head brought about. Texts tell; where the echo has none, its kind
// does, except among updates, of which an earlier one may be meant. One without a kind is the acknowledge's, for
// which SSP has no request type; the reference, which every event of a bond may have, tells only what is foreign.
// To believe more would lose what never arrived.
func agrees(e, head *bridge.Event) bool {
	if e.Kind != "" && e.Kind != head.Kind || e.RefKey != "" && head.RefKey != "" && e.RefKey != head.RefKey {
		return false
	}
	text, written := bridge.TextHash(e.Text), bridge.TextHash(head.Text)
	switch {
	case text != "" && written != "":
		return text == written
	case e.Kind == "":
		return head.Kind == bridge.Acknowledge && text == ""
	}
	return e.Kind != bridge.Update || written == ""
}

// declined uses a declined solution as proof that the solution had arrived.
func (t *tx) declined(e *bridge.Event) {
	l := t.lane(bridge.LaneID{Provider: e.Provider, Task: e.Task, Dir: bridge.In})
	if head := t.headOf(l); head != nil && head.Kind == bridge.Resolve {
		t.proved(l, head, e.ID)
	}
}
