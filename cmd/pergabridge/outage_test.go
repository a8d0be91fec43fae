package main_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
)

// numbered makes texts in order.
func numbered(what string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s %d", what, i)
	}
	return out
}

// waiting returns how many events wait for a destination, none of them stopped.
func (w *world) waiting(destination string) (n int) {
	w.t.Helper()
	list, err := w.api.Lanes(w.t.Context(), client.Lanes{Destination: destination, Limit: 100})
	require.NoError(w.t, err)
	for _, l := range list.Items {
		require.Contains(w.t, []bridge.LaneState{bridge.LaneReady, bridge.LaneLeased}, l.State, "%+v", l)
		n += l.Queued
	}
	return n
}

// SSP is down for a while: everything is accepted, lanes wait, the providers get what is theirs; and
// when SSP is back everything arrives in order, without a hand moved.
func TestSSPDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.start()
	const tasks, texts = 3, 4
	var task, number []string
	for i := range tasks {
		id, ref := w.bonded([]string{alpha, beta}[i%2])
		task, number = append(task, id), append(number, ref)
	}
	w.settled()
	w.ssp.Down()
	for _, text := range numbered("bob says", texts) {
		for i := range tasks {
			_, err := w.vendor[[]string{alpha, beta}[i%2]].Reply(number[i], "bob", text, true)
			require.NoError(t, err)
		}
	}
	for _, v := range w.vendor {
		require.NoError(t, v.Idle(t.Context()), "every webhook is answered with 2xx")
	}
	require.Equal(t, tasks*texts, w.waiting(bridge.SSP))
	for _, text := range numbered("user says", texts) { // SSP's application still calls; only its service is gone
		w.mustSend(w.call(alpha, map[string]any{"task": task[0], "text": text}), 202)
	}
	w.until("the provider has what is its own", func() bool { return len(w.ledger(alpha, number[0])) == 1+texts })
	w.until("the breaker has opened", func() bool {
		c, err := w.api.Counts(t.Context())
		require.NoError(t, err)
		return c.Destination[bridge.SSP].Breaker != bridge.BreakerClosed
	})
	require.Equal(t, tasks*texts, w.waiting(bridge.SSP))
	w.nothingStuck()

	require.NoError(t, w.ssp.Up())
	w.settled()
	w.nothingStuck()
	for i := range tasks {
		require.Equal(t, numbered("bob says", texts), w.texts(task[i]))
	}
	require.Equal(t, append([]string{"create Printer on fire"}, prefixed("comment ", numbered("user says", texts))...), w.ledger(alpha, number[0]))
}

func prefixed(prefix string, texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = prefix + s
	}
	return out
}

// One vendor is down, then hangs; SSP and the other vendor do not notice.
func TestVendorDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{keys: map[string]string{alpha: "timeout: {first_byte: 1s}\nunknown: {update: {wait: 1s}}"}})
	w.start()
	const texts = 4
	task, number := w.bonded(alpha)
	other, otherNumber := w.bonded(beta)
	say := func(round string) []string {
		for _, text := range numbered(round, texts) {
			require.NoError(t, w.ssp.UserUpdate(task, text))
			require.NoError(t, w.ssp.UserUpdate(other, text))
		}
		require.NoError(t, w.ssp.Idle(t.Context()), "every process call is answered with 2xx")
		return prefixed("comment ", numbered(round, texts))
	}
	want := []string{"create Printer on fire"}

	w.vendor[alpha].Down()
	said := say("down")
	want = append(want, said...)
	w.until("the other vendor has it all", func() bool { return len(w.ledger(beta, otherNumber)) == len(want) })
	_, err := w.vendor[beta].Reply(otherNumber, "eve", "hello", true)
	require.NoError(t, err)
	w.until("SSP has the other vendor's text", func() bool { return len(w.texts(other)) == 1 })
	require.Equal(t, texts, w.waiting(alpha))
	require.NoError(t, w.vendor[alpha].Up())
	w.until("alpha has it all", func() bool { return len(w.ledger(alpha, number)) == len(want) })

	w.vendor[alpha].Fail(vendortest.Fault{Kind: vendortest.Hang, Method: "POST", Path: "/comments"})
	began := time.Now()
	said = say("hanging")
	w.until("the other vendor has it all", func() bool { return len(w.ledger(beta, otherNumber)) == len(want)+texts })
	took := time.Since(began)
	want = append(want, said...)
	require.Less(t, len(w.ledger(alpha, number)), len(want), "alpha hangs at its first")
	w.vendor[alpha].Heal()
	w.settled()
	w.nothingStuck()
	require.Equal(t, want, w.ledger(alpha, number), "once each: what hung was looked up")
	require.Equal(t, want, w.ledger(beta, otherNumber))
	t.Logf("the other vendor had %d texts %v after the first was sent", texts, took.Round(time.Millisecond))
}
