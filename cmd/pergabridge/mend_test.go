package main_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// What nobody understood is kept; once the config knows the word, it is read again and applied.
func TestQuarantineAfterConfigFix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.known("7")
	w.start()
	a := w.mustSend(w.call(alpha, map[string]any{"task": "7", "request_type": "Nieuwe aanvraag", "title": "Geen papier"}), http.StatusAccepted)
	require.Equal(t, "quarantined", string(a.Status))
	require.Contains(t, w.done("quarantine", "show", a.Event), "Nieuwe aanvraag")

	require.JSONEq(t, `{"task": "7", "request_type": "Nieuwe aanvraag", "direction": "Out", "title": "Geen papier"}`, w.done("quarantine", "show", "--raw", a.Event))

	r := w.run("quarantine", "retry", a.Event) // too early: nothing has changed
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "still cannot be read: unknown_type")
	require.Contains(t, w.done("quarantine", "list"), a.Event)
	require.Empty(t, w.vendor[alpha].Tickets())

	w.edit("intake: {auth:", "intake: {types: {Nieuwe aanvraag: submit}, auth:")
	w.restart()
	out := w.done("quarantine", "retry", a.Event)
	require.Contains(t, out, "accepted")
	w.settled()
	w.nothingStuck()
	require.Len(t, w.vendor[alpha].Tickets(), 1)
	require.Equal(t, bridge.Reread, w.event(a.Event).Reason)
	require.Contains(t, w.done("quarantine", "list"), "no inputs in quarantine")
}

// In mode observe everything is accepted and shown, and nothing is sent.
func TestObserve(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sspKeys: "mode: observe", keys: map[string]string{alpha: "mode: observe"}})
	w.start()
	w.mustSend(w.call(alpha, map[string]any{"task": "1", "request_type": "Submit Request", "title": "look, don't touch"}), http.StatusAccepted)
	w.mustSend(w.call(beta, map[string]any{"task": "2", "request_type": "Submit Request", "title": "this one is real"}), http.StatusAccepted)
	w.settled()
	require.Zero(t, w.vendor[alpha].Calls())
	require.Len(t, w.vendor[beta].Tickets(), 1)
	require.Empty(t, w.ssp.Calls(), "beta's acknowledge is not sent either")
	w.nothingStuck()

	events := w.events("--reason", string(bridge.Observed))
	require.Len(t, events, 2)
	submit := w.event(events[0].ID)
	require.Contains(t, submit.Attempts[0].Request, "look, don't touch")
	require.Contains(t, submit.Attempts[0].Request, "POST")
	acknowledge := w.event(events[1].ID)
	require.Contains(t, acknowledge.Attempts[0].Request, "BETA-1001")

	var checked struct{ Warnings []string }
	require.NoError(t, json.Unmarshal([]byte(w.done("check", "--json")), &checked))
	require.Len(t, checked.Warnings, 2)
	var list api.List[api.Lane]
	require.NoError(t, json.Unmarshal([]byte(w.done("lanes", "list", "--json")), &list))
	require.Empty(t, list.Items)
}
