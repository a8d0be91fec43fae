package recipe_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

// news offers webhooks of a product to the bridge, one after another: delivery, body.
func news(t *testing.T, name string) (f *flowtest.Flow, ref, id string, hook func(delivery, body string) bridge.Receipt) {
	t.Helper()
	d, _ := setup(t, name)
	made := flowtest.Build(t, "desk", "http", section(t, name, d.URL()), provider.Deps{})
	f = flowtest.Start(t, made, flowtest.Options{})
	ref = f.Submit("4711")
	return f, ref, d.Last().ID, func(delivery, body string) bridge.Receipt {
		t.Helper()
		in := flowtest.Input("desk", bridge.ByWebhook, body)
		in.Delivery = delivery
		events, err := made.Receiver.Receive(t.Context(), in)
		require.NoError(t, err)
		got, err := f.Engine.Accept(t.Context(), events)
		require.NoError(t, err)
		require.Len(t, got, 1)
		return got[0]
	}
}

// Zammad sets close_at when a ticket is closed for the first time, and never again.
func TestZammadTellsEveryClose(t *testing.T) {
	f, ref, id, hook := news(t, "zammad")
	number, _, _ := strings.Cut(ref, "/")
	ticket := func(last string) string {
		return `{"ticket":{"id":` + id + `,"number":"` + number + `","state":"closed","close_at":"2026-01-01T08:00:00.100Z","last_close_at":` + last + `},"article":`
	}
	closed := ticket(`"2026-01-01T08:00:00.100Z"`) + "null}"
	require.Equal(t, bridge.Accepted, hook("d1", closed).Status)
	require.Equal(t, bridge.Resolve, f.Next().Event.Kind)
	require.Equal(t, bridge.Duplicate, hook("d1", closed).Status, "Zammad's own retry")
	f.Settled(f.Out(bridge.RejectSolution, "4711", "no").Event, bridge.StateDone)
	again := ticket(`null`) + "null}" // a version without last_close_at
	require.Equal(t, bridge.Accepted, hook("d2", again).Status)
	require.Equal(t, bridge.Resolve, f.Next().Event.Kind)
	f.Settled(f.Out(bridge.RejectSolution, "4711", "still no").Event, bridge.StateDone)

	// With its article: two triggers, one solution.
	solved := ticket(`"2026-01-01T10:00:00.100Z"`) + `{"id":7,"body":"rebooted","internal":false,"created_at":"2026-01-01T10:00:00.300Z","created_by":{"login":"bob"}}}`
	require.Equal(t, bridge.Accepted, hook("d3", solved).Status)
	require.Equal(t, bridge.Duplicate, hook("d4", solved).Status)
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, "rebooted", l.Event.Text)

	// What is said afterwards is no solution, and no conflict with one.
	note := ticket(`"2026-01-01T10:00:00.100Z"`) + `{"id":8,"body":"keep the box","internal":false,"created_at":"2026-01-01T11:00:00Z","created_by":{"login":"bob"}}}`
	require.Equal(t, bridge.Accepted, hook("d5", note).Status)
	l = f.Next()
	require.Equal(t, bridge.Update, l.Event.Kind)
	require.Equal(t, "keep the box", l.Event.Text)
	require.Empty(t, f.Told)
}

// Zendesk's placeholders give the time in whole seconds.
func TestZendeskTellsTwoCommentsOfOneSecond(t *testing.T) {
	f, _, id, hook := news(t, "zendesk")
	comment := func(text string) string {
		return `{"event":"comment","public":true,"ticket":"` + id + `","at":"2026-01-01T08:00:00Z","author":"bob@example.com","text":"` + text + `"}`
	}
	for _, text := range []string{"one", "two"} {
		require.Equal(t, bridge.Accepted, hook("", comment(text)).Status, text)
		require.Equal(t, text, f.Next().Event.Text)
		require.Equal(t, bridge.Duplicate, hook("", comment(text)).Status, text)
	}
	require.Empty(t, f.Told)
}
