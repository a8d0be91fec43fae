package engine

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

type receiverFunc func(in bridge.Inbound) ([]bridge.Event, error)

func (f receiverFunc) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	return f(in)
}

func TestOperateCompletesCommands(t *testing.T) {
	secret.Register("operator-secret")
	store := newFakeStore()
	e := build(t, store, Options{CaseSensitive: map[string]bool{"acme": true}}, nil, nil)
	ev := in("1", bridge.Update)
	ev.ID = "e1"
	store.accept([]bridge.Event{ev})
	for _, c := range []bridge.Command{
		{Verb: bridge.VerbBondLink, Provider: "acme", Task: " 1 ", Reference: " Inc-1", Note: "see operator-secret"},
		{Verb: bridge.VerbEventSettle, Event: "e1", Reference: "Inc-2"},
		{Verb: bridge.VerbLanePause, Lane: ev.Lane()},
	} {
		_, err := e.Operate(t.Context(), c)
		require.NoError(t, err)
	}
	require.Len(t, store.commands, 3)
	link := store.commands[0]
	require.Equal(t, []string{"1", "Inc-1", "Inc-1"}, []string{link.Task, link.Reference, link.RefKey})
	require.NotContains(t, link.Note, "operator-secret")
	require.Equal(t, "Inc-2", store.commands[1].RefKey, "the event tells the provider")
	select {
	case <-e.bell:
	default:
		t.Fatal("the loop was not woken")
	}
	var refused *bridge.CommandError
	for _, c := range []bridge.Command{
		{Verb: bridge.VerbBondLink, Provider: "nobody", Task: "1", Reference: "x"},
		{Verb: bridge.VerbBondLink, Provider: bridge.SSP, Task: "1", Reference: "x"},
		{Verb: bridge.VerbBondLink, Provider: "acme", Task: strings.Repeat("x", MaxID+1)},
	} {
		_, err := e.Operate(t.Context(), c)
		require.ErrorAs(t, err, &refused)
	}
	_, err := e.Operate(t.Context(), bridge.Command{Verb: bridge.VerbEventSettle, Event: "none", Reference: "x"})
	require.ErrorIs(t, err, bridge.ErrNotFound)
	require.Len(t, store.commands, 3)
}

func TestReread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		var read receiverFunc
		b := start(t, store, Options{Receivers: map[string]bridge.Receiver{
			ReceiverKey("acme", bridge.ByProcessCall): receiverFunc(func(in bridge.Inbound) ([]bridge.Event, error) { return read(in) }),
		}}, nil, nil)
		bad := bridge.Event{ID: "q", Provider: "acme", Entrance: bridge.ByProcessCall, Quarantine: bridge.UnknownType, Inbound: &bridge.Inbound{Body: []byte("task=1")}}
		nothing, other := bad, bad
		nothing.ID, nothing.Inbound = "nothing", nil
		other.ID, other.Entrance = "other", bridge.ByWebhook
		b.accept(t, bad, nothing, other)

		var refused *bridge.CommandError
		for _, c := range []struct {
			id   string
			read receiverFunc
			says string
		}{
			{"nothing", nil, "no input of its own"},
			{"other", nil, "nothing reads webhook input"},
			{"q", func(bridge.Inbound) ([]bridge.Event, error) { return nil, errDisk }, "disk trouble"},
			{"q", func(bridge.Inbound) ([]bridge.Event, error) { panic("rule") }, "panic: rule"},
			{"q", func(bridge.Inbound) ([]bridge.Event, error) {
				return []bridge.Event{{Quarantine: bridge.NoRule, Detail: "no rule fits"}}, nil
			}, "no_rule: no rule fits"},
			{"q", func(bridge.Inbound) ([]bridge.Event, error) { return []bridge.Event{{Dir: "x"}}, nil }, "not a direction"},
		} {
			read = c.read
			_, err := b.Reread(t.Context(), "ann", c.id)
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, c.says)
		}
		require.Empty(t, store.commands)
		_, err := b.Reread(t.Context(), "ann", "none")
		require.ErrorIs(t, err, bridge.ErrNotFound)

		read = func(in bridge.Inbound) ([]bridge.Event, error) {
			return []bridge.Event{{Task: strings.TrimPrefix(string(in.Body), "task="), Dir: bridge.Out, Kind: bridge.Submit}}, nil
		}
		done, err := b.Reread(t.Context(), "ann", "q")
		require.NoError(t, err)
		require.Len(t, done.Receipts, 1)
		synctest.Wait()
		r := store.settledResults()
		require.Len(t, r, 1)
		got := r[0].Lease.Event
		require.Equal(t, []any{"acme", "1", bridge.ByProcessCall}, []any{got.Provider, got.Task, got.Entrance})
		require.Equal(t, "ann", store.commands[0].Person)
		require.Equal(t, store.events["q"].Received, got.Received)

		read = func(bridge.Inbound) ([]bridge.Event, error) { return nil, nil }
		_, err = b.Reread(t.Context(), "ann", "q")
		require.NoError(t, err, "an input that means nothing now is settled by that")
		require.Empty(t, store.commands[1].Events)
		ev := store.settledResults()[0].Lease.Event.ID
		_, err = b.Reread(t.Context(), "ann", ev)
		require.ErrorContains(t, err, "not quarantined")
		b.end(t)
	})
}
