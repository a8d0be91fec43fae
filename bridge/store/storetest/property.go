package storetest

import (
	"flag"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pergabridge/pergabridge/bridge"
)

// fewerLives leaves the race detector with the lives that it can look at in a minute or two; what the
// command line asks for stays.
var fewerLives = sync.OnceFunc(func() {
	checks := flag.Lookup("rapid.checks")
	if raceDetector && checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set("25") // a number always fits
	}
})

// checkProperties plays random sequences of offers, tries, commands, jumps in time and crashes
// over few tasks, references and keys, so that they meet often, and checks after each step what
// must always hold. In between the life moves to a store of each of the factories in next.
func checkProperties(t *testing.T, f Factory, next ...Factory) {
	fewerLives()
	rapid.Check(t, func(rt *rapid.T) {
		h := bareHarness(t, rt, f)
		defer func() { h.close() }() // of the store it is in by then
		h.mortal()
		m := &model{
			harness: h, rt: rt,
			live: map[bridge.LaneID]bridge.Lease{}, order: map[bridge.LaneID][]string{},
			bonds: map[bridge.LaneID]bridge.Bond{}, records: map[string]bool{}, final: map[string]bool{},
		}
		steps := map[string]func(){
			"offer": m.offerAny, "lease": m.leaseAny, "settle": m.settleAny,
			"person": m.actAny, "time": m.passTime, "crash": m.die,
		}
		// Crashes are rare: most of a life goes on between two of them.
		names := []string{
			"offer", "offer", "offer", "offer", "lease", "lease", "lease",
			"settle", "settle", "settle", "settle", "person", "time", "crash",
		}
		for i := range len(next) + 1 {
			if i > 0 {
				m.moveTo(next[i-1])
				m.checkBonds()
				m.checkRecords()
			}
			for range rapid.IntRange(1, 60/(1+len(next))).Draw(rt, "steps") {
				steps[rapid.SampledFrom(names).Draw(rt, "step")]()
				m.checkBonds()
			}
		}
		m.checkRecords()
		m.die()
		m.checkBonds()
		m.deliverEverything()
		m.checkRecords()
		m.checkCounts()
	})
}

// A model knows what the store was told and what it answered.
type model struct {
	*harness
	rt      *rapid.T
	live    map[bridge.LaneID]bridge.Lease // leases in flight
	lost    []bridge.Lease                 // leases of dead sessions
	order   map[bridge.LaneID][]string     // what was queued at once, by lane
	records map[string]bool                // what must be in the store
	final   map[string]bool                // what a verdict or a person has ended
	bonds   map[bridge.LaneID]bridge.Bond  // as they were after the last step, by their Out lane
}

func draw[T any](m *model, name string, from ...T) T {
	return rapid.SampledFrom(from).Draw(m.rt, name)
}

// offerAny accepts one event that may be anything.
func (m *model) offerAny() {
	dir := draw(m, "dir", bridge.Out, bridge.In)
	e := m.build(dir, bridge.ByWebhook, draw(m, "kind", bridge.Kinds(dir)...), draw(m, "task", "T1", "T2", "T3"), nil)
	e.Provider = draw(m, "provider", acme, acme, acme, beta)
	e.Reference = draw(m, "reference", "", "", "R1", "r1", "R2", "R3")
	if dir == bridge.In && e.Reference != "" && rapid.Bool().Draw(m.rt, "reference only") {
		e.Task = ""
	}
	if e.Kind == bridge.Open {
		e.Else = draw(m, "else", "", bridge.Update, bridge.Resolve)
	}
	e.Key = draw(m, "key", e.Key, e.Key, "", "k1", "k2")
	e.Text = draw(m, "text", e.Text, "a", "b", "")
	e.Echo = draw(m, "echo", bridge.EchoUnknown, bridge.EchoUnknown, bridge.EchoByComment, bridge.EchoByText, bridge.EchoByDirection)
	e.Comment = draw(m, "comment", "c1", "c2", "c3")
	r := m.offer(e)
	if r.Status == bridge.Duplicate {
		m.checkFirst(e, r)
		if r.Event != e.ID {
			return // counted on the first record
		}
	}
	require.Equal(m.rt, e.ID, r.Event)
	m.records[e.ID] = true
	kept := m.stored(e.ID)
	require.Equal(m.rt, e.Text, kept.Text)
	require.Equal(m.rt, r.Seq, kept.Seq)
	switch r.Status {
	case bridge.Accepted:
		m.order[kept.Lane()] = append(m.order[kept.Lane()], e.ID)
	case bridge.Waiting:
		require.Equal(m.rt, bridge.StateWaiting, kept.State)
	case bridge.Quarantined, bridge.Conflict:
		require.Equal(m.rt, bridge.StateQuarantined, kept.State)
	default:
		require.Equal(m.rt, bridge.StateEnded, kept.State)
	}
}

// checkFirst: a duplicate names its first, except where there is none to name.
func (m *model) checkFirst(e bridge.Event, r bridge.Receipt) {
	switch {
	case r.First != "":
		m.stored(r.First)
	case r.Reason == bridge.IsMerged: // by the state of its bond, not into another event
	default:
		require.Equal(m.rt, bridge.Submit, e.Kind, "a duplicate names the first")
		require.Empty(m.rt, m.bondAt(e.Provider, e.Task).Submit, "a merged submit names that of its bond")
	}
}

// leaseAny leases at any destination.
func (m *model) leaseAny() {
	dest := draw(m, "destination", acme, beta, bridge.SSP)
	m.take(want(dest, rapid.IntRange(1, 3).Draw(m.rt, "n")))
}

func (m *model) take(w bridge.Want) []bridge.Lease {
	ls := m.leases(w)
	require.LessOrEqual(m.rt, len(ls), w.N)
	for _, l := range ls {
		lane := l.Event.Lane()
		require.Equal(m.rt, w.Dest, lane.Destination())
		require.NotContains(m.rt, m.live, lane, "one event of a lane is in flight")
		require.False(m.rt, m.final[l.Event.ID], "an event that has ended is never leased again")
		// What waited and came back later has no fixed place among those queued at once.
		for _, id := range m.order[lane][:max(0, slices.Index(m.order[lane], l.Event.ID))] {
			require.True(m.rt, m.stored(id).State.Final(), "%s goes before %s in %s", id, l.Event.ID, lane)
		}
		if l.Event.Kind != bridge.Submit && lane.Dir == bridge.Out {
			require.NotEmpty(m.rt, l.Bond.Reference, "no %s without a reference", l.Event.Kind)
		}
		m.live[lane] = l
	}
	return ls
}

// settleAny settles any lease that was given out, also one that was lost.
func (m *model) settleAny() {
	if len(m.lost) > 0 && rapid.Bool().Draw(m.rt, "a lost one") {
		l := m.lost[0]
		m.lost = m.lost[1:]
		before := m.stored(l.Event.ID)
		v := m.step(m.me, []bridge.Result{m.result(l, yes, bridge.ThenDone, m.now())}).Verdicts[0]
		if !v.Fenced {
			require.Equal(m.rt, bridge.StateQueued, before.State, "a late done counts only while nobody tries again")
			require.Equal(m.rt, bridge.LeaseExpired, before.Reason)
			m.ended(l, v)
		}
		return
	}
	if len(m.live) == 0 {
		return
	}
	lanes := make([]bridge.LaneID, 0, len(m.live))
	for _, l := range m.lanes(bridge.LaneFilter{}) { // in a fixed order
		if _, ok := m.live[l.ID]; ok {
			lanes = append(lanes, l.ID)
		}
	}
	require.Len(m.rt, lanes, len(m.live), "a lane in flight is listed")
	l := m.live[draw(m, "lane", lanes...)]
	end := draw(m, "end",
		bridge.Result{Outcome: yes, Then: bridge.ThenDone},
		bridge.Result{Outcome: yes, Then: bridge.ThenDone},
		bridge.Result{Outcome: notSent, Then: bridge.ThenRetry},
		bridge.Result{Outcome: down, Then: bridge.ThenRetry},
		bridge.Result{Outcome: silence, Then: bridge.ThenWait},
		bridge.Result{Outcome: silence, Then: bridge.ThenPark},
		bridge.Result{Outcome: refused, Then: bridge.ThenPark},
		bridge.Result{Outcome: refused, Then: bridge.ThenSkip})
	if end.Then == bridge.ThenDone {
		end.Outcome.Comment = draw(m, "comment", "", "c1", "c2")
		if l.Event.Dir == bridge.Out {
			end.Outcome.Reference = draw(m, "reference", "", "R1", "R2", "R3", "R4")
		}
	}
	m.finish(l, end.Outcome, end.Then)
}

func (m *model) finish(l bridge.Lease, o bridge.Outcome, then bridge.Then) {
	v := m.settle(l, o, then, time.Second)
	delete(m.live, l.Event.Lane())
	m.ended(l, v)
}

// ended notes what became of the event of a try that counted.
func (m *model) ended(l bridge.Lease, v bridge.Verdict) {
	e := m.stored(l.Event.ID)
	require.Equal(m.rt, v.State, e.State, "the verdict tells the state")
	require.Equal(m.rt, v.Parked, e.State == bridge.StateParked)
	require.NotEqual(m.rt, bridge.StateLeased, v.State)
	if v.State.Final() {
		require.False(m.rt, m.final[e.ID], "an event ends once")
		m.final[e.ID] = true
	}
}

// actAny lets a person act on a parked event.
func (m *model) actAny() {
	parked := m.events(bridge.EventFilter{States: []bridge.EventState{bridge.StateParked}})
	if len(parked) == 0 {
		return
	}
	e := draw(m, "parked", parked...)
	v := draw(m, "verb", bridge.VerbEventRetry, bridge.VerbEventIgnore, bridge.VerbEventSettle)
	if v == bridge.VerbEventSettle && e.Kind == bridge.Submit {
		v = bridge.VerbEventRetry
	}
	m.operate(onEvent(v, e.ID))
	if v == bridge.VerbEventRetry {
		return
	}
	require.True(m.rt, m.stored(e.ID).State.Final())
	m.final[e.ID] = true
	for _, l := range m.lanes(bridge.LaneFilter{Provider: e.Provider, Task: e.Task}) {
		if l.ID == e.Lane() && l.Reason == bridge.AwaitsResume {
			m.operate(bridge.Command{Verb: bridge.VerbLaneResume, Lane: l.ID})
		}
	}
}

// passTime renews the session in time, or lets it die.
func (m *model) passTime() {
	if rapid.Bool().Draw(m.rt, "renewed") {
		m.advance(bridge.SessionRenewal)
		m.me.Until = m.now().Add(bridge.SessionLife)
		require.NoError(m.rt, m.store().Renew(m.ctx, m.me))
		m.sweep(bridge.SweepOptions{})
		return
	}
	m.advance(draw(m, "pause", 11*time.Second, time.Minute, 20*time.Minute))
	require.Equal(m.rt, len(m.live), m.sweep(bridge.SweepOptions{}).Expired)
	m.lose()
	m.mortal()
}

func (m *model) die() {
	m.crash()
	m.lose()
}

// moveTo moves the life to a store of another kind, where it goes on.
func (m *model) moveTo(f Factory) {
	m.advance(bridge.SessionLife + time.Second)
	m.move(f)
	require.Equal(m.rt, len(m.live), m.sweep(bridge.SweepOptions{}).Expired)
	m.lose()
	m.mortal()
}

// lose forgets the leases in flight: their session is dead.
func (m *model) lose() {
	for _, l := range m.live {
		require.NotEqual(m.rt, bridge.StateLeased, m.stored(l.Event.ID).State)
		m.lost = append(m.lost, l)
	}
	clear(m.live)
}

// deliverEverything is the end of every life: all destinations say yes. What is still queued then
// stands behind something that only a person can move.
func (m *model) deliverEverything() {
	for quiet := 0; quiet < 2; {
		m.advance(time.Hour)
		m.sweep(bridge.SweepOptions{})
		m.mortal()
		busy := false
		for _, dest := range []string{acme, beta, bridge.SSP} {
			for {
				ls := m.take(want(dest, 50))
				if len(ls) == 0 {
					break
				}
				busy = true
				for _, l := range ls {
					o := yes
					if l.Event.Kind == bridge.Submit && l.Bond.Reference == "" {
						o.Reference = "R-" + l.Event.ID
					}
					m.finish(l, o, bridge.ThenDone)
					m.checkBonds()
				}
			}
		}
		if quiet++; busy {
			quiet = 0
		}
	}
	for _, l := range m.lanes(bridge.LaneFilter{}) {
		require.Contains(m.rt, []bridge.LaneState{bridge.LaneParked, bridge.LaneHeld}, l.State, "lane %s is stuck", l.ID)
		if l.State == bridge.LaneHeld {
			require.Empty(m.rt, m.bondAt(l.ID.Provider, l.ID.Task).Reference, "lane %s is held without a need", l.ID)
		}
	}
	for _, e := range m.events(bridge.EventFilter{States: []bridge.EventState{bridge.StateWaiting}}) {
		if e.Reason != bridge.MaybeEcho {
			continue
		}
		lane := e.Lane()
		lane.Dir = lane.Dir.Opposite()
		stopped := false
		for _, l := range m.lanes(bridge.LaneFilter{Provider: lane.Provider, Task: lane.Task}) {
			stopped = stopped || l.ID == lane && l.State == bridge.LaneParked
		}
		require.True(m.rt, stopped, "%s waits for a try that is over", e.ID)
	}
}

// checkRecords: no event is lost, none appears from nowhere, every duplicate names a first.
func (m *model) checkRecords() {
	seen := map[string]bool{}
	inLane := map[bridge.LaneID]int{}
	for _, e := range m.events(bridge.EventFilter{}) {
		require.False(m.rt, seen[e.ID])
		seen[e.ID] = true
		if !m.records[e.ID] && e.Reason != bridge.IsDuplicate && e.Reason != bridge.IsMerged {
			require.Equal(m.rt, bridge.ByFollowUp, e.Entrance, "%s %s comes from nowhere", e.Dir, e.Kind)
			require.Equal(m.rt, bridge.Acknowledge, e.Kind)
		}
		switch e.State {
		case bridge.StateQueued, bridge.StateLeased, bridge.StateParked:
			inLane[e.Lane()]++
		case bridge.StateWaiting, bridge.StateQuarantined, bridge.StateDone, bridge.StateEnded:
		default:
			require.Fail(m.rt, "no such state", "%q", e.State)
		}
	}
	for id := range m.records {
		require.True(m.rt, seen[id], "%s is lost", id)
	}
	for _, l := range m.lanes(bridge.LaneFilter{}) {
		require.Equal(m.rt, inLane[l.ID], l.Queued, "lane %s", l.ID)
		delete(inLane, l.ID)
	}
	require.Empty(m.rt, inLane, "events in lanes that are not listed")
}

// checkBonds: bonds move only as documented, and a reference belongs to one task.
func (m *model) checkBonds() {
	owner := map[[2]string]string{}
	for _, b := range m.harness.bonds(bridge.BondFilter{}) {
		if b.RefKey != "" {
			k := [2]string{b.Provider, b.RefKey}
			require.Empty(m.rt, owner[k], "%s belongs to two tasks", b.RefKey)
			owner[k] = b.Task
		}
		id := bridge.LaneID{Provider: b.Provider, Task: b.Task, Dir: bridge.Out}
		was := m.bonds[id]
		require.True(m.rt, mayMove(was, b), "bond of %s moved from %q (%s) to %q (%s)",
			b.Task, was.State, was.Reference, b.State, b.Reference)
		require.GreaterOrEqual(m.rt, b.Resolves, was.Resolves)
		require.False(m.rt, was.Reference != "" && b.Reference == "", "the bond of %s lost its reference", b.Task)
		require.Equal(m.rt, b.Reference == "", b.RefKey == "")
		if b.State == bridge.BondPending {
			require.Empty(m.rt, b.Reference, "a pending bond has no reference")
		}
		if b.State == bridge.BondOpen || b.State == bridge.BondResolved {
			require.NotEmpty(m.rt, b.Reference, "the %s bond of %s has a reference", b.State, b.Task)
		}
		m.bonds[id] = b
	}
}

// mayMove reports whether one step may move a bond so, nobody linking or unlinking it. A step that
// makes the bond also releases what waited for it, so that it may go two ways at once.
func mayMove(was, now bridge.Bond) bool {
	if was.State == now.State {
		return true
	}
	switch was.State {
	case "":
		return now.State != bridge.BondSuperseded
	case bridge.BondPending:
		return true
	case bridge.BondOpen, bridge.BondResolved:
		return now.State != bridge.BondPending
	case bridge.BondClosed:
		return now.State == bridge.BondOpen || now.State == bridge.BondPending ||
			now.State == bridge.BondResolved && was.Reference != now.Reference
	case bridge.BondSuperseded:
		return now.State == bridge.BondOpen || now.State == bridge.BondPending || now.State == bridge.BondClosed ||
			now.State == bridge.BondResolved && was.Reference != now.Reference
	}
	return false
}
