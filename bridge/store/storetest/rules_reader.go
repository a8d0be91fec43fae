package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var readerRules = []rule{
	{"events come in the order of seq, newest first on request", func(h *harness) {
		h.world()
		up := h.events(bridge.EventFilter{})
		down := h.events(bridge.EventFilter{Newest: true})
		require.Len(h.t, down, len(up))
		for i, e := range up {
			require.Equal(h.t, e.ID, down[len(down)-1-i].ID)
			if i > 0 {
				require.Greater(h.t, e.Seq, up[i-1].Seq)
			}
		}
	}},
	{"every filter selects what it says", func(h *harness) {
		h.world()
		all := h.events(bridge.EventFilter{})
		key := bridge.ReferenceKey("R9", false)
		for name, c := range map[string]struct {
			f  bridge.EventFilter
			is func(e bridge.Event) bool
		}{
			"provider": {bridge.EventFilter{Provider: beta}, func(e bridge.Event) bool { return e.Provider == beta }},
			"task":     {bridge.EventFilter{Task: "T1"}, func(e bridge.Event) bool { return e.Task == "T1" }},
			"dir":      {bridge.EventFilter{Dir: bridge.In}, func(e bridge.Event) bool { return e.Dir == bridge.In }},
			"kind":     {bridge.EventFilter{Kind: bridge.Update}, func(e bridge.Event) bool { return e.Kind == bridge.Update }},
			"reason":   {bridge.EventFilter{Reason: bridge.IsLate}, func(e bridge.Event) bool { return e.Reason == bridge.IsLate }},
			"ref key":  {bridge.EventFilter{RefKey: key}, func(e bridge.Event) bool { return e.RefKey == key }},
			"states": {bridge.EventFilter{States: []bridge.EventState{bridge.StateWaiting, bridge.StateParked}},
				func(e bridge.Event) bool { return e.State == bridge.StateWaiting || e.State == bridge.StateParked }},
			"two at once": {bridge.EventFilter{Task: "T1", Dir: bridge.Out},
				func(e bridge.Event) bool { return e.Task == "T1" && e.Dir == bridge.Out }},
			"nothing fits": {bridge.EventFilter{Task: "nowhere"}, func(bridge.Event) bool { return false }},
		} {
			var wanted []string
			for _, e := range all {
				if c.is(e) {
					wanted = append(wanted, e.ID)
				}
			}
			if name != "nothing fits" {
				require.NotEmpty(h.t, wanted, name)
				require.Less(h.t, len(wanted), len(all), name)
			}
			require.Equal(h.t, wanted, ids(h.events(c.f)), name)
		}
	}},
	{"since selects what was received at or after", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		h.advance(time.Hour)
		since := h.now()
		two := h.queue(h.out(bridge.Submit, "T2"))
		h.advance(time.Hour)
		three := h.queue(h.out(bridge.Submit, "T3"))
		require.Equal(h.t, []string{two, three}, ids(h.events(bridge.EventFilter{Since: since})))
	}},
	{"pages continue behind a seq in both orders", func(h *harness) {
		var all []string
		for range 7 {
			all = append(all, h.queue(h.out(bridge.Submit, "T"+bridge.NewID())))
		}
		for _, newest := range []bool{false, true} {
			var got []string
			f := bridge.EventFilter{Limit: 3, Newest: newest}
			for range 10 {
				page := h.events(f)
				if len(page) == 0 {
					break
				}
				require.LessOrEqual(h.t, len(page), 3)
				got = append(got, ids(page)...)
				f.After = page[len(page)-1].Seq
			}
			require.Len(h.t, got, 7)
			for i, id := range all {
				if newest {
					i = 6 - i
				}
				require.Equal(h.t, id, got[i])
			}
		}
	}},
	{"without a limit there are at most 100", func(h *harness) {
		var es []bridge.Event
		for range 105 {
			es = append(es, h.out(bridge.Submit, "T"+bridge.NewID()))
		}
		h.offerAll(es...)
		got, err := h.store().Events(h.ctx, bridge.EventFilter{})
		require.NoError(h.t, err)
		require.Len(h.t, got, 100)
		bonds, err := h.store().Bonds(h.ctx, bridge.BondFilter{})
		require.NoError(h.t, err)
		require.Len(h.t, bonds, 100)
		lanes, err := h.store().Lanes(h.ctx, bridge.LaneFilter{})
		require.NoError(h.t, err)
		require.Len(h.t, lanes, 100)
	}},
	{"search finds words in the texts", func(h *harness) {
		h.open("T1", "R1")
		one := h.queue(h.out(bridge.Update, "T1", text("the printer is on fire")))
		two := h.queue(h.out(bridge.Update, "T1", text("the printer works again")))
		h.queue(h.out(bridge.Update, "T1", text("something else")))
		require.Equal(h.t, []string{one, two}, ids(h.events(bridge.EventFilter{Search: "printer"})))
		require.Equal(h.t, []string{one}, ids(h.events(bridge.EventFilter{Search: "fire printer"})))
		require.Empty(h.t, h.events(bridge.EventFilter{Search: "toaster"}))
		require.Equal(h.t, []string{two}, ids(h.events(bridge.EventFilter{Search: "printer", After: h.stored(one).Seq})))
	}},
	{"search takes words, not a query language", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text(`error "C:\x" AND (more) 100%`)))
		for _, s := range []string{`"`, `'`, `(`, `error* AND OR`, `NEAR(`, `%`, `-x`, `text:error`, `\`, `[a`, "\x00", "é"} {
			_, err := h.store().Events(h.ctx, bridge.EventFilter{Search: s})
			require.NoError(h.t, err, "search %q", s)
		}
		require.Equal(h.t, []string{id}, ids(h.events(bridge.EventFilter{Search: "(more) error"})))
	}},
	{"an unknown event and an unknown bond are not found", func(h *harness) {
		_, _, err := h.store().Event(h.ctx, bridge.NewID())
		require.ErrorIs(h.t, err, bridge.ErrNotFound)
		_, _, err = h.store().Event(h.ctx, "no id at all")
		require.ErrorIs(h.t, err, bridge.ErrNotFound)
		h.noBond("nowhere")
	}},
	{"bonds are filtered and paged", func(h *harness) {
		h.world()
		all := h.bonds(bridge.BondFilter{})
		require.NotEmpty(h.t, all)
		key := bridge.ReferenceKey("R1", false)
		for name, c := range map[string]struct {
			f  bridge.BondFilter
			is func(b bridge.Bond) bool
		}{
			"provider": {bridge.BondFilter{Provider: beta}, func(b bridge.Bond) bool { return b.Provider == beta }},
			"task":     {bridge.BondFilter{Task: "T1"}, func(b bridge.Bond) bool { return b.Task == "T1" }},
			"ref key":  {bridge.BondFilter{RefKey: key}, func(b bridge.Bond) bool { return b.RefKey == key }},
			"states": {bridge.BondFilter{States: []bridge.BondState{bridge.BondClosed, bridge.BondPending}},
				func(b bridge.Bond) bool { return b.State == bridge.BondClosed || b.State == bridge.BondPending }},
		} {
			var wanted []bridge.Bond
			for _, b := range all {
				if c.is(b) {
					wanted = append(wanted, b)
				}
			}
			require.NotEmpty(h.t, wanted, name)
			require.Less(h.t, len(wanted), len(all), name)
			require.Equal(h.t, wanted, h.bonds(c.f), name)
		}
		var paged []bridge.Bond
		f := bridge.BondFilter{Limit: 2}
		for range 20 {
			page := h.bonds(f)
			if len(page) == 0 {
				break
			}
			require.LessOrEqual(h.t, len(page), 2)
			paged = append(paged, page...)
			last := page[len(page)-1]
			f.AfterKey = last.Provider + "/" + last.Task
		}
		require.Equal(h.t, all, paged)
	}},
	{"bonds are found by the beginning of their task or reference", func(h *harness) {
		h.open("4711", "INC-100")
		h.open("4712", "INC-101")
		h.open("812", "REQ-1")
		h.operate(onBond(bridge.VerbBondUnlink, "812", ""))
		h.operate(onBond(bridge.VerbBondLink, "812", "REQ-2"))
		h.queue(h.out(bridge.Submit, "4799", at(beta)))
		tasks := func(f bridge.BondFilter) (out []string) {
			for _, b := range h.bonds(f) {
				out = append(out, b.Task)
			}
			return out
		}
		require.Equal(h.t, []string{"4711", "4712", "4799"}, tasks(bridge.BondFilter{Prefix: "47"}))
		require.Equal(h.t, []string{"4711", "4712"}, tasks(bridge.BondFilter{Prefix: "47", Provider: acme}))
		require.Equal(h.t, []string{"4711"}, tasks(bridge.BondFilter{Prefix: "4711"}))
		require.Equal(h.t, []string{"4711", "4712"}, tasks(bridge.BondFilter{Prefix: bridge.ReferenceKey("INC-", false)}))
		require.Equal(h.t, []string{"812"}, tasks(bridge.BondFilter{Prefix: bridge.ReferenceKey("REQ-2", false)}))
		require.Empty(h.t, tasks(bridge.BondFilter{Prefix: bridge.ReferenceKey("REQ-1", false)}), "a reference that was taken away")
		require.Equal(h.t, []string{"4799"}, tasks(bridge.BondFilter{Prefix: "47", States: []bridge.BondState{bridge.BondPending}}))
		require.Empty(h.t, tasks(bridge.BondFilter{Prefix: "11"}), "not in the middle")
		require.Len(h.t, tasks(bridge.BondFilter{Prefix: "4", Limit: 1}), 1)
	}},
	{"lanes are filtered", func(h *harness) {
		h.world()
		h.idle("nowhere")
		all := h.lanes(bridge.LaneFilter{})
		for name, c := range map[string]struct {
			f  bridge.LaneFilter
			is func(l bridge.Lane) bool
		}{
			"dest":     {bridge.LaneFilter{Dest: bridge.SSP}, func(l bridge.Lane) bool { return l.ID.Dir == bridge.In }},
			"provider": {bridge.LaneFilter{Provider: beta}, func(l bridge.Lane) bool { return l.ID.Provider == beta }},
			"task":     {bridge.LaneFilter{Task: "T1"}, func(l bridge.Lane) bool { return l.ID.Task == "T1" }},
			"states": {bridge.LaneFilter{States: []bridge.LaneState{bridge.LaneParked, bridge.LanePaused}},
				func(l bridge.Lane) bool { return l.State == bridge.LaneParked || l.State == bridge.LanePaused }},
		} {
			var wanted []bridge.LaneID
			for _, l := range all {
				if c.is(l) {
					wanted = append(wanted, l.ID)
				}
			}
			var got []bridge.LaneID
			for _, l := range h.lanes(c.f) {
				got = append(got, l.ID)
			}
			require.NotEmpty(h.t, wanted, name)
			require.Less(h.t, len(wanted), len(all), name)
			require.ElementsMatch(h.t, wanted, got, name)
		}
		require.Len(h.t, h.lanes(bridge.LaneFilter{Limit: 2}), 2)
	}},
	{"lanes come by destination and head, and are paged", func(h *harness) {
		for _, task := range []string{"P3", "P1", "P2"} { // without a head: they come by name
			h.open(task, "R-"+task)
			h.operate(onLane(bridge.VerbLanePause, bridge.Out, task))
		}
		h.world()
		for name, f := range map[string]bridge.LaneFilter{
			"all": {}, "dest": {Dest: acme}, "provider": {Provider: acme}, "task": {Task: "T1"},
			"states": {States: []bridge.LaneState{bridge.LanePaused, bridge.LaneParked}},
		} {
			all := h.lanes(f)
			require.NotEmpty(h.t, all, name)
			for i := 1; i < len(all); i++ {
				a, b := all[i-1].Place(), all[i].Place()
				require.True(h.t, a.Lane.Destination() < b.Lane.Destination() || a.Lane.Destination() == b.Lane.Destination() &&
					(a.Head < b.Head || a.Head == b.Head && a.Lane.String() < b.Lane.String()), "%s: %v before %v", name, a, b)
			}
			for _, limit := range []int{1, 2} {
				var paged []bridge.Lane
				page := f
				page.Limit = limit
				for range 40 {
					got := h.lanes(page)
					if len(got) == 0 {
						break
					}
					require.LessOrEqual(h.t, len(got), limit)
					paged = append(paged, got...)
					page.After = got[len(got)-1].Place()
				}
				require.Equal(h.t, all, paged, name)
			}
		}
	}},
	{"a lane tells what is at its head and since when", func(h *harness) {
		h.open("T1", "R1")
		since := h.now()
		id := h.queue(h.out(bridge.Update, "T1"))
		h.advance(time.Minute)
		h.queue(h.out(bridge.Close, "T1"))
		h.unknown(h.leaseOf(acme, id), time.Hour)
		l := h.lane(bridge.Out, "T1")
		require.Equal(h.t, id, l.Head)
		require.Equal(h.t, h.stored(id).Seq, l.HeadSeq)
		require.Equal(h.t, bridge.Update, l.HeadKind)
		require.Equal(h.t, 2, l.Queued)
		require.Equal(h.t, 1, l.Attempt)
		require.True(h.t, l.Unknown)
		require.True(h.t, l.Oldest.Equal(since), "oldest %s", l.Oldest)
		require.True(h.t, l.Due.Equal(h.now().Add(time.Hour)), "due %s", l.Due)
	}},
	{"counts agree with the lists", func(h *harness) {
		h.world()
		h.queue(h.out(bridge.Submit, "T8"))
		h.lease(acme)
		h.checkCounts()
	}},
	{"counts tell the oldest event of a destination", func(h *harness) {
		h.open("T1", "R1")
		since := h.now()
		id := h.queue(h.out(bridge.Update, "T1"))
		h.advance(time.Minute)
		h.queue(h.out(bridge.Update, "T1"))
		require.True(h.t, h.counts().Destination[acme].Oldest.Equal(since))
		h.deliver(acme, id)
		require.True(h.t, h.counts().Destination[acme].Oldest.Equal(h.now()))
	}},
	{"replicas are the sessions that are alive, with what they have in hand", func(h *harness) {
		a, b := h.session("a", bridge.SessionLife), h.session("b", time.Hour)
		h.duty("poll:acme", a)
		h.duty(mailbox, b)
		h.open("T1", "R1")
		h.queue(h.out(bridge.Update, "T1"))
		settled, err := h.store().Settle(h.ctx, b, nil, []bridge.Want{{Dest: acme, N: 1}})
		require.NoError(h.t, err)
		require.Len(h.t, settled.Leases, 1)
		find := func(id string) *bridge.Replica {
			all, err := h.store().Replicas(h.ctx)
			require.NoError(h.t, err)
			for i := range all {
				if all[i].Session == id {
					return &all[i]
				}
			}
			return nil
		}
		require.Equal(h.t, &bridge.Replica{Session: a.ID, Until: a.Until, Duties: []string{"poll:acme"}}, inUTC(find(a.ID), a.Until))
		require.Equal(h.t, &bridge.Replica{Session: b.ID, Until: b.Until, Leases: 1, Duties: []string{mailbox}}, inUTC(find(b.ID), b.Until))
		h.advance(bridge.SessionLife + time.Second)
		require.Nil(h.t, find(a.ID))
		require.NotNil(h.t, find(b.ID))
	}},
	{"activities come newest first", func(h *harness) {
		id, _ := h.parked("T1")
		h.operate(onLane(bridge.VerbLaneRetry, bridge.Out, "T1"))
		h.park(h.leaseOf(acme, id))
		h.advance(time.Minute)
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		as, err := h.store().Activities(h.ctx, 10)
		require.NoError(h.t, err)
		require.Len(h.t, as, 2)
		require.Equal(h.t, string(bridge.VerbEventIgnore), as[0].Verb)
		require.Equal(h.t, string(bridge.VerbLaneRetry), as[1].Verb)
		as, err = h.store().Activities(h.ctx, 1)
		require.NoError(h.t, err)
		require.Len(h.t, as, 1)
	}},
	{"a config read anew is recorded and moves nothing", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		before := h.counts()
		h.operate(bridge.Command{Verb: bridge.VerbConfigReload, Dest: "config"})
		as, err := h.store().Activities(h.ctx, 10)
		require.NoError(h.t, err)
		require.Len(h.t, as, 1)
		require.Equal(h.t, []string{string(bridge.VerbConfigReload), "config"}, []string{as[0].Verb, as[0].Target})
		require.Equal(h.t, before, h.counts(), "it makes no destination")
		h.deliver(acme, id)
	}},
}

// inUTC gives r the very value of its end, if that is the same moment. Its age is the subject of
// another rule.
func inUTC(r *bridge.Replica, until time.Time) *bridge.Replica {
	if r != nil {
		r.Since = time.Time{}
	}
	if r != nil && r.Until.Equal(until) {
		r.Until = until
	}
	return r
}

func ids(es []bridge.Event) []string {
	var out []string
	for _, e := range es {
		out = append(out, e.ID)
	}
	return out
}

func (h *harness) bonds(f bridge.BondFilter) []bridge.Bond {
	h.t.Helper()
	if f.Limit == 0 {
		f.Limit = 1000
	}
	bs, err := h.store().Bonds(h.ctx, f)
	require.NoError(h.t, err)
	return bs
}

// checkCounts requires that the counts are what the lists say.
func (h *harness) checkCounts() {
	h.t.Helper()
	c := h.counts()
	events := map[bridge.EventState]int64{}
	quarantine := map[string]map[bridge.Reason]int64{}
	for _, e := range h.events(bridge.EventFilter{}) {
		events[e.State]++
		if e.State == bridge.StateQuarantined {
			if quarantine[e.Provider] == nil {
				quarantine[e.Provider] = map[bridge.Reason]int64{}
			}
			quarantine[e.Provider][e.Reason]++
		}
	}
	require.Equal(h.t, events, nonZero(c.Events), "events by state")
	for provider, reasons := range quarantine {
		require.Equal(h.t, reasons, nonZero(c.Quarantine[provider]), "quarantine of %s", provider)
	}
	bonds := map[bridge.BondState]int64{}
	for _, b := range h.bonds(bridge.BondFilter{}) {
		bonds[b.State]++
	}
	require.Equal(h.t, bonds, nonZero(c.Bonds), "bonds by state")
	lanes := map[string]map[bridge.LaneState]int64{}
	queued := map[string]int64{}
	for _, l := range h.lanes(bridge.LaneFilter{}) {
		d := l.ID.Destination()
		if lanes[d] == nil {
			lanes[d] = map[bridge.LaneState]int64{}
		}
		lanes[d][l.State]++
		queued[d] += int64(l.Queued)
	}
	for d, byState := range lanes {
		got := nonZero(c.Destination[d].Lanes)
		delete(got, bridge.LaneIdle)
		require.Equal(h.t, byState, got, "lanes of %s", d)
		require.Equal(h.t, queued[d], c.Destination[d].Queued, "events queued for %s", d)
	}
}

// nonZero leaves out what was counted as none.
func nonZero[K comparable](m map[K]int64) map[K]int64 {
	out := map[K]int64{}
	for k, n := range m {
		if n != 0 {
			out[k] = n
		}
	}
	return out
}
