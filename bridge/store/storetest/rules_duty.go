package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

const mailbox = "mailbox:support"

var dutyRules = []rule{
	{"one session holds a duty", func(h *harness) {
		d := h.duty(mailbox, h.session("a", time.Hour))
		require.Equal(h.t, mailbox, d.Name())
		require.Empty(h.t, d.Cursor())
		h.noDuty(mailbox, h.session("b", time.Hour))
		h.duty("poll:acme", h.session("c", time.Hour))
	}},
	{"of many sessions at once one gets the duty", func(h *harness) {
		var won atomic.Int32
		errs := make(chan error, 20)
		var wg sync.WaitGroup
		for range 20 {
			s := h.session(bridge.NewID(), time.Hour)
			wg.Go(func() {
				_, ok, err := h.store().Duty(h.ctx, mailbox, s)
				if ok {
					won.Add(1)
				}
				errs <- err
			})
		}
		wg.Wait()
		for range 20 {
			require.NoError(h.t, <-errs)
		}
		require.EqualValues(h.t, 1, won.Load())
	}},
	{"a released duty can be taken", func(h *harness) {
		d := h.duty(mailbox, h.session("a", time.Hour))
		_, err := d.Accept(h.ctx, nil, "7")
		require.NoError(h.t, err)
		require.NoError(h.t, d.Release(h.ctx))
		require.Equal(h.t, "7", h.duty(mailbox, h.session("b", time.Hour)).Cursor())
		_, err = d.Accept(h.ctx, nil, "8")
		require.ErrorIs(h.t, err, bridge.ErrFenced)
	}},
	{"the duty of a dead session can be taken", func(h *harness) {
		h.duty(mailbox, h.session("a", bridge.SessionLife))
		b := h.session("b", time.Hour)
		h.advance(bridge.SessionLife - time.Second)
		h.noDuty(mailbox, b)
		h.advance(2 * time.Second)
		h.duty(mailbox, b)
	}},
	{"a renewed session keeps its duty", func(h *harness) {
		a := h.session("a", bridge.SessionLife)
		d := h.duty(mailbox, a)
		b := h.session("b", time.Hour)
		for range 6 {
			h.advance(bridge.SessionRenewal)
			a.Until = h.now().Add(bridge.SessionLife)
			require.NoError(h.t, h.store().Renew(h.ctx, a))
		}
		h.sweep(bridge.SweepOptions{})
		h.noDuty(mailbox, b)
		_, err := d.Accept(h.ctx, nil, "1")
		require.NoError(h.t, err)
	}},
	{"a dead session gets no duty", func(h *harness) {
		a := h.session("a", bridge.SessionLife)
		h.advance(bridge.SessionLife + time.Second)
		_, ok, err := h.store().Duty(h.ctx, mailbox, a)
		if !errors.Is(err, bridge.ErrFenced) {
			require.NoError(h.t, err)
		}
		require.False(h.t, ok)
	}},
	{"events and cursor are saved together", func(h *harness) {
		d := h.duty(mailbox, h.session("a", time.Hour))
		one, two := h.out(bridge.Submit, "T1"), h.out(bridge.Submit, "T2")
		rs, err := d.Accept(h.ctx, []bridge.Event{one, h.again(one), two}, "uid 9")
		require.NoError(h.t, err)
		require.Len(h.t, rs, 3)
		require.Equal(h.t, bridge.Accepted, rs[0].Status)
		require.Equal(h.t, bridge.Duplicate, rs[1].Status)
		require.Equal(h.t, bridge.Accepted, rs[2].Status)
		require.Equal(h.t, "uid 9", d.Cursor())
		h.queued(one.ID)
		h.queued(two.ID)
	}},
	{"what a webhook and a poll bring is claimed once", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1")
		h.queue(e)
		d := h.duty("poll:acme", h.session("a", time.Hour))
		again := h.again(e)
		again.Entrance = bridge.ByPoll
		rs, err := d.Accept(h.ctx, []bridge.Event{again}, "1")
		require.NoError(h.t, err)
		require.Equal(h.t, bridge.Duplicate, rs[0].Status)
		require.Equal(h.t, e.ID, rs[0].First)
	}},
	{"a cursor without events is saved", func(h *harness) {
		d := h.duty(mailbox, h.session("a", time.Hour))
		for _, c := range []string{"1", "2", ""} {
			rs, err := d.Accept(h.ctx, nil, c)
			require.NoError(h.t, err)
			require.Empty(h.t, rs)
			require.Equal(h.t, c, d.Cursor())
		}
	}},
	{"a duty that passed on is fenced: neither events nor cursor are saved", func(h *harness) {
		a := h.duty(mailbox, h.session("a", bridge.SessionLife))
		_, err := a.Accept(h.ctx, nil, "1")
		require.NoError(h.t, err)
		h.advance(bridge.SessionLife + time.Second)
		b := h.duty(mailbox, h.session("b", time.Hour))
		e := h.out(bridge.Submit, "T1")
		_, err = a.Accept(h.ctx, []bridge.Event{e}, "2")
		require.ErrorIs(h.t, err, bridge.ErrFenced)
		_, _, err = h.store().Event(h.ctx, e.ID)
		require.ErrorIs(h.t, err, bridge.ErrNotFound)
		h.noBond("T1")
		require.Equal(h.t, "1", b.Cursor())
		require.NoError(h.t, b.Release(h.ctx))
		require.Equal(h.t, "1", h.duty(mailbox, h.session("c", time.Hour)).Cursor())
	}},
	{"a duty that passed on cannot be released by its former holder", func(h *harness) {
		a := h.duty(mailbox, h.session("a", bridge.SessionLife))
		h.advance(bridge.SessionLife + time.Second)
		h.duty(mailbox, h.session("b", time.Hour))
		if err := a.Release(h.ctx); err != nil {
			require.ErrorIs(h.t, err, bridge.ErrFenced)
		}
		h.noDuty(mailbox, h.session("c", time.Hour))
	}},
	{"a paused duty is taken from its holder and given to nobody until it is resumed", func(h *harness) {
		a, b := h.session("a", time.Hour), h.session("b", time.Hour)
		d := h.duty(mailbox, a)
		_, err := d.Accept(h.ctx, nil, "7")
		require.NoError(h.t, err)
		h.operate(bridge.Command{Verb: bridge.VerbDutyPause, Duty: mailbox})
		e := h.out(bridge.Submit, "T1")
		_, err = d.Accept(h.ctx, []bridge.Event{e}, "8")
		require.ErrorIs(h.t, err, bridge.ErrFenced)
		_, _, err = h.store().Event(h.ctx, e.ID)
		require.ErrorIs(h.t, err, bridge.ErrNotFound)
		require.Equal(h.t, bridge.DutyState{Name: mailbox, Paused: true, Cursor: "7"}, h.dutyState(mailbox))
		h.noDuty(mailbox, a)
		h.noDuty(mailbox, b)
		h.nothingToDo(bridge.Command{Verb: bridge.VerbDutyPause, Duty: mailbox})
		h.crash()
		h.noDuty(mailbox, h.session("c", time.Hour))
		h.operate(bridge.Command{Verb: bridge.VerbDutyResume, Duty: mailbox})
		h.nothingToDo(bridge.Command{Verb: bridge.VerbDutyResume, Duty: mailbox})
		require.Equal(h.t, "7", h.duty(mailbox, h.session("d", time.Hour)).Cursor())
	}},
	{"a duty that nobody ever had cannot be paused", func(h *harness) {
		h.missing(bridge.Command{Verb: bridge.VerbDutyPause, Duty: "nothing"})
		h.missing(bridge.Command{Verb: bridge.VerbDutyResume, Duty: "nothing"})
	}},
	{"duties tell who has them, by name", func(h *harness) {
		a := h.session("a", bridge.SessionLife)
		d := h.duty(mailbox, a)
		_, err := d.Accept(h.ctx, nil, "7")
		require.NoError(h.t, err)
		released := h.duty("a poll", a)
		require.NoError(h.t, released.Release(h.ctx))
		require.Equal(h.t, bridge.DutyState{Name: mailbox, Session: a.ID, Cursor: "7"}, h.dutyState(mailbox))
		require.Equal(h.t, bridge.DutyState{Name: "a poll"}, h.dutyState("a poll"))
		all, err := h.store().Duties(h.ctx)
		require.NoError(h.t, err)
		require.Equal(h.t, "a poll", all[0].Name)
		h.advance(bridge.SessionLife + time.Second)
		require.Equal(h.t, bridge.DutyState{Name: mailbox, Cursor: "7"}, h.dutyState(mailbox), "its replica is dead")
	}},
	{"the cursor survives a crash and the duty can be taken", func(h *harness) {
		d := h.duty(mailbox, h.session("a", bridge.SessionLife))
		e := h.out(bridge.Submit, "T1")
		_, err := d.Accept(h.ctx, []bridge.Event{e}, "uid 9")
		require.NoError(h.t, err)
		h.crash()
		h.queued(e.ID)
		require.Equal(h.t, "uid 9", h.duty(mailbox, h.session("b", time.Hour)).Cursor())
	}},
}

// duty takes a duty that must be free.
func (h *harness) duty(name string, s bridge.Session) bridge.Duty {
	h.t.Helper()
	d, ok, err := h.store().Duty(h.ctx, name, s)
	require.NoError(h.t, err)
	require.True(h.t, ok, "%s is free", name)
	return d
}

// dutyState returns how a duty stands.
func (h *harness) dutyState(name string) bridge.DutyState {
	h.t.Helper()
	all, err := h.store().Duties(h.ctx)
	require.NoError(h.t, err)
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	require.Fail(h.t, "no such duty", name)
	return bridge.DutyState{}
}

// noDuty requires that somebody else holds the duty.
func (h *harness) noDuty(name string, s bridge.Session) {
	h.t.Helper()
	_, ok, err := h.store().Duty(h.ctx, name, s)
	require.NoError(h.t, err)
	require.False(h.t, ok, "%s is held", name)
}
