package storetest

import (
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var leaseRules = []rule{
	{"a lease of a dead session becomes unknown", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		s := h.session("dying", bridge.SessionLife)
		h.leaseAs(s, acme, id)
		h.advance(bridge.SessionLife + time.Second)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Expired)
		h.queued(id)
		as := h.attempts(id)
		require.Len(h.t, as, 1)
		require.Equal(h.t, bridge.OutcomeUnknown, as[0].Outcome)
		require.Equal(h.t, bridge.LeaseExpired, as[0].Reason)
		l := h.leaseOf(acme, id)
		require.True(h.t, l.Unknown)
		require.Equal(h.t, 2, l.Attempt)
		require.True(h.t, l.UnknownSince.Equal(h.now()), "unknown since %s", l.UnknownSince)
	}},
	{"a lease of a live session is left alone", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		s := h.session("alive", bridge.SessionLife)
		l := h.leaseAs(s, acme, id)
		for range 10 {
			h.advance(bridge.SessionRenewal)
			s.Until = h.now().Add(bridge.SessionLife)
			require.NoError(h.t, h.store().Renew(h.ctx, s))
			require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Expired)
		}
		h.leased(id)
		h.idle(acme)
		h.done(l)
	}},
	{"a lease dies with its own session only", func(h *harness) {
		ids := h.updates(2)
		mine := h.leaseOf(acme, ids[0])
		h.leaseAs(h.session("dying", bridge.SessionLife), acme, ids[1])
		h.advance(bridge.SessionLife + time.Second)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Expired)
		h.leased(ids[0])
		h.done(mine)
		require.True(h.t, h.leaseOf(acme, ids[1]).Unknown)
	}},
	{"renewing an expired session is fenced", func(h *harness) {
		s := h.session("old", bridge.SessionLife)
		h.advance(bridge.SessionLife + time.Second)
		s.Until = h.now().Add(bridge.SessionLife)
		require.ErrorIs(h.t, h.store().Renew(h.ctx, s), bridge.ErrFenced)
		h.sweep(bridge.SweepOptions{})
		h.session("new", bridge.SessionLife)
	}},
	{"an expired session gets no leases", func(h *harness) {
		h.updates(1)
		s := h.session("old", bridge.SessionLife)
		h.advance(bridge.SessionLife + time.Second)
		got, err := h.store().Settle(h.ctx, s, nil, []bridge.Want{want(acme, 1)})
		if !errors.Is(err, bridge.ErrFenced) {
			require.NoError(h.t, err)
		}
		require.Empty(h.t, got.Leases)
		h.lease(acme)
	}},
	{"a result under a lost lease is fenced and only its attempt is recorded", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		lost := h.leaseAs(h.session("dying", bridge.SessionLife), acme, id)
		h.advance(bridge.SessionLife + time.Second)
		h.sweep(bridge.SweepOptions{})
		now := h.leaseOf(acme, id)
		require.NotEqual(h.t, lost.Token, now.Token)

		o := yes
		o.Reference, o.Comment = "R2", "c1"
		v := h.step(h.me, []bridge.Result{h.result(lost, o, bridge.ThenDone, time.Time{})}).Verdicts[0]
		require.True(h.t, v.Fenced)
		h.leased(id)
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, 1, h.countAttempts(id, bridge.OutcomeDone))

		h.done(now)
		h.is(id, bridge.StateDone, bridge.Delivered)
	}},
	{"a result that comes twice settles once", func(h *harness) {
		h.open("T1", "R1")
		one, two := h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Update, "T1"))
		l := h.leaseOf(acme, one)
		h.done(l)
		v := h.step(h.me, []bridge.Result{h.result(l, notSent, bridge.ThenRetry, h.now())}).Verdicts[0]
		require.True(h.t, v.Fenced)
		h.is(one, bridge.StateDone, bridge.Delivered)
		h.deliver(acme, two)
	}},
	{"a late done counts as long as nobody tries again", func(h *harness) {
		late := h.queue(h.out(bridge.Submit, "T1"))
		lost := h.leaseAs(h.session("stalled", bridge.SessionLife), acme, late)
		h.advance(bridge.SessionLife + time.Second)
		h.sweep(bridge.SweepOptions{})
		h.is(late, bridge.StateQueued, bridge.LeaseExpired)
		o := yes
		o.Reference = "R1"
		v := h.step(h.me, []bridge.Result{h.result(lost, o, bridge.ThenDone, time.Time{})}).Verdicts[0]
		require.False(h.t, v.Fenced)
		require.True(h.t, v.Bonded)
		h.is(late, bridge.StateDone, bridge.Delivered)
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.idle(acme)
		h.acknowledge("R1")
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1")))
	}},
	{"what late dones wrote is known as theirs when it comes back, and what was only shown is not", func(h *harness) {
		h.open("T1", "R1")
		late := func(words string, o bridge.Outcome) {
			lost := h.leaseAs(h.session("stalled "+words, bridge.SessionLife), acme, h.queue(h.out(bridge.Update, "T1", text(words))))
			h.advance(bridge.SessionLife + time.Second)
			h.sweep(bridge.SweepOptions{})
			require.False(h.t, h.step(h.me, []bridge.Result{h.result(lost, o, bridge.ThenDone, time.Time{})}).Verdicts[0].Fenced)
		}
		for _, id := range []string{"c1", "c2"} {
			o := yes
			o.Comment = id
			late("words of "+id, o)
		}
		late("only shown", bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Observed})
		h.echoes(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)))
		h.echoes(h.in(bridge.Update, "T1", comment("c2"), echo(bridge.EchoByComment)))
		h.queue(h.in(bridge.Update, "T1", text("only shown"), echo(bridge.EchoByText)))
	}},
	{"a late result that is not done changes nothing", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		lost := h.leaseAs(h.session("stalled", bridge.SessionLife), acme, id)
		h.advance(bridge.SessionLife + time.Second)
		h.sweep(bridge.SweepOptions{})
		for _, end := range []bridge.Result{h.result(lost, refused, bridge.ThenPark, time.Time{}), h.result(lost, notSent, bridge.ThenRetry, h.now())} {
			require.True(h.t, h.step(h.me, []bridge.Result{end}).Verdicts[0].Fenced)
			h.is(id, bridge.StateQueued, bridge.LeaseExpired)
		}
		h.deliver(acme, id)
	}},
	{"a result with a foreign token is fenced", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		forged := h.leaseOf(acme, id)
		forged.Token = "guessed"
		v := h.step(h.me, []bridge.Result{h.result(forged, yes, bridge.ThenDone, time.Time{})}).Verdicts[0]
		require.True(h.t, v.Fenced)
		h.leased(id)
	}},
	{"tokens are never used twice", func(h *harness) {
		h.updates(8)
		seen := map[bridge.Token]bool{}
		for range 3 {
			ls := h.leases(want(acme, 10))
			require.Len(h.t, ls, 8)
			for _, l := range ls {
				require.NotEmpty(h.t, l.Token)
				require.False(h.t, seen[l.Token])
				seen[l.Token] = true
				h.retry(l, 0)
			}
		}
	}},
	{"two replicas never hold the same lane", func(h *harness) {
		h.updates(6)
		a, b := h.session("a", time.Hour), h.session("b", time.Hour)
		seen := map[bridge.LaneID]bool{}
		for _, s := range []bridge.Session{a, b, a, b} {
			for _, l := range h.step(s, nil, want(acme, 2)).Leases {
				require.False(h.t, seen[l.Event.Lane()])
				seen[l.Event.Lane()] = true
			}
		}
		require.Len(h.t, seen, 6)
	}},
	{"next tells when the earliest lane becomes due", func(h *harness) {
		ids := h.updates(2)
		h.retry(h.leaseOf(acme, ids[0]), 2*time.Minute)
		h.retry(h.leaseOf(acme, ids[1]), time.Minute)
		got := h.step(h.me, nil, want(acme, 5))
		require.Empty(h.t, got.Leases)
		require.True(h.t, got.Next.Equal(h.now().Add(time.Minute)), "next %s", got.Next)
	}},
	{"next is zero when nothing will become due by itself", func(h *harness) {
		h.pending("T9")
		h.queue(h.out(bridge.Update, "T9"))
		h.idle(acme)
		ids := h.updates(3)
		h.lease(acme)
		h.park(h.leaseOf(acme, ids[1]))
		h.deliver(acme, ids[2])
		got := h.step(h.me, nil, want(acme, 5))
		require.Empty(h.t, got.Leases)
		require.True(h.t, got.Next.IsZero(), "next %s", got.Next)
	}},
	{"next looks at the wanted destinations only", func(h *harness) {
		ids := h.updates(1)
		h.retry(h.leaseOf(acme, ids[0]), time.Minute)
		require.True(h.t, h.step(h.me, nil, want(bridge.SSP, 5)).Next.IsZero())
	}},
}

// leaseAs leases one event at dest in another session and requires that it is this one.
func (h *harness) leaseAs(s bridge.Session, dest, id string) bridge.Lease {
	h.t.Helper()
	ls := h.step(s, nil, want(dest, 1)).Leases
	require.Len(h.t, ls, 1)
	require.Equal(h.t, id, ls[0].Event.ID)
	return ls[0]
}

func (h *harness) countAttempts(id string, k bridge.OutcomeKind) int {
	h.t.Helper()
	n := 0
	for _, a := range h.attempts(id) {
		if a.Outcome == k {
			n++
		}
	}
	return n
}
