package main_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// last returns the newest event of a task in one direction.
func last(t *testing.T, events []api.Event, dir bridge.Dir) api.Event {
	t.Helper()
	var out api.Event
	for _, e := range events {
		if e.Dir == dir {
			out = e
		}
	}
	require.NotEmpty(t, out.ID)
	return out
}

// Endings that happen every day end by themselves, each with its own reason.
func TestEndings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.start()
	calm := func(t *testing.T) {
		t.Helper()
		w.settled()
		w.nothingStuck()
	}

	t.Run("the user closes, then the vendor closes", func(t *testing.T) {
		task, number := w.bonded(alpha)
		require.NoError(t, w.ssp.CloseByUser(task, "works again"))
		w.until("the ticket is closed", func() bool { v, _ := w.vendor[alpha].Ticket(number); return v.Status == "closed" })
		require.NoError(t, w.vendor[alpha].CloseTicket(number, "automation"))
		calm(t)
		events := w.events("--task", task)
		require.Equal(t, bridge.Delivered, last(t, events, bridge.Out).Reason)
		e := last(t, events, bridge.In)
		require.Equal(t, bridge.StateEnded, e.State)
		require.Equal(t, bridge.IsLate, e.Reason)
		require.Empty(t, w.texts(task))
	})
	t.Run("the vendor solves, and days later its automation closes", func(t *testing.T) {
		task, number := w.bonded(alpha)
		require.NoError(t, w.vendor[alpha].Resolve(number, "bob", "new toner"))
		w.until("SSP is solved", func() bool { s, _ := w.ssp.Task(task); return s.Status == ssptest.Solved })
		require.NoError(t, w.vendor[alpha].CloseTicket(number, "automation"))
		calm(t)
		e := last(t, w.events("--task", task), bridge.In)
		require.Equal(t, bridge.Resolve, e.Kind)
		require.Equal(t, bridge.StateEnded, e.State)
		require.Equal(t, bridge.IsMerged, e.Reason)
		require.Equal(t, []string{"new toner"}, w.texts(task))
	})
	t.Run("the task moves to another provider, and the first one answers late", func(t *testing.T) {
		task, old := w.bonded(alpha)
		w.done("lanes", "pause", alpha)
		require.NoError(t, w.ssp.UserUpdate(task, "for alpha, who will never get it"))
		w.until("the text is queued", func() bool { return len(w.events("--task", task, "--state", "queued")) == 1 })
		require.NoError(t, w.ssp.Reassign(task, beta))
		fresh := w.number(task, beta)
		w.done("lanes", "resume", alpha)
		_, err := w.vendor[alpha].Reply(old, "bob", "too late", true)
		require.NoError(t, err)
		_, err = w.vendor[beta].Reply(fresh, "eve", "we have it", true)
		require.NoError(t, err)
		calm(t)
		require.Equal(t, bridge.IsSuperseded, w.only("for alpha, who will never get it").Reason)
		require.Equal(t, bridge.IsLate, w.only("too late").Reason)
		require.Equal(t, []string{"we have it"}, w.texts(task))
		require.Equal(t, []string{"create Printer on fire"}, w.ledger(alpha, old))
		b, err := w.api.Bond(t.Context(), alpha, task)
		require.NoError(t, err)
		require.Equal(t, bridge.BondSuperseded, b.State)
	})
	t.Run("the user closes while an answer is on its way", func(t *testing.T) {
		task, number := w.bonded(beta)
		w.ssp.Script(ssptest.Always(ssptest.Trouble{Kind: ssptest.ServerFault, Text: "Timeout expired."}))
		_, err := w.vendor[beta].Reply(number, "eve", "nearly there", true)
		require.NoError(t, err)
		w.until("SSP has thrown", func() bool { return len(w.events("--task", task, "--reason", string(bridge.Fault))) == 1 })
		require.NoError(t, w.ssp.CloseByUser(task, "never mind"))
		w.until("the ticket is closed", func() bool { v, _ := w.vendor[beta].Ticket(number); return v.Status == "closed" })
		w.ssp.Script(nil) // what it throws now is its own: the task is closed
		calm(t)
		e := w.only("nearly there")
		require.Equal(t, bridge.StateEnded, e.State)
		require.Equal(t, bridge.IsLate, e.Reason)
		require.Empty(t, w.texts(task))
	})
}
