package httpprovider

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

const batchRules = `
inbound:
  visibility: all
  each: body.items
  rules:
    - kind: update
      when: item.type == "c"
      reference: item.ref
      text: item.text
`

func TestAnInputWithoutItemsIsKept(t *testing.T) {
	ev := receive(t, batchRules, hook(`{"changes":[{"type":"c","ref":"R1","text":"hello"}]}`))
	require.NotEmpty(t, ev, "an authenticated call that no rule could read left no trace")
}

func TestAnItemOfABatchCanBeReadAgain(t *testing.T) {
	ev := receive(t, batchRules, hook(`{"items":[{"type":"c","ref":"R1","text":"hello"},{"type":"c","ref":"R2","text":"you"}]}`))
	require.Len(t, ev, 2)
	again := receive(t, batchRules, *ev[1].Inbound)
	require.Len(t, again, 1)
}

type nop struct{}

func (nop) Deliver(context.Context, bridge.Lease) bridge.Outcome {
	return bridge.Outcome{Kind: bridge.OutcomeDone}
}

func TestReadingAgainNeitherLosesNorDoubles(t *testing.T) {
	p := build(t, minimal+batchRules)
	now := time.Now()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), sqlite.Options{Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer s.Close()
	e, err := engine.New(engine.Options{Store: s, Now: func() time.Time { return now }, Destinations: []engine.Destination{{Name: bridge.SSP, Dest: nop{}}, {Name: "acme", Dest: nop{}}},
		Receivers: map[string]bridge.Receiver{engine.ReceiverKey("acme", bridge.ByWebhook): p.Receiver}})
	require.NoError(t, err)
	for task, ref := range map[string]string{"T1": "R1", "T2": "R2"} {
		_, err = e.Operate(t.Context(), bridge.Command{Verb: bridge.VerbBondImport, Provider: "acme", Task: task, Reference: ref, Person: "p"})
		require.NoError(t, err)
	}
	t.Run("a conflict from a batch, read again", func(t *testing.T) {
		ev, err := p.Receiver.Receive(t.Context(), hook(`{"items":[{"type":"c","ref":"R1","text":"x"},{"type":"c","ref":"R2","text":"y"}]}`))
		require.NoError(t, err)
		ev[1].Task = "T1" // names T1 and T2's reference: reference_conflict
		rc, err := e.Accept(t.Context(), ev)
		require.NoError(t, err)
		require.Equal(t, bridge.Quarantined, rc[1].Status)
		res, err := e.Reread(t.Context(), "ann", rc[1].Event)
		require.NoError(t, err)
		require.Len(t, res.Events, 1, "read again into nothing: lost")
		got, _, err := s.Event(t.Context(), rc[1].Event)
		require.NoError(t, err)
		require.Equal(t, bridge.Reread, got.Reason)
	})
	t.Run("a batch with one unreadable item, read again later", func(t *testing.T) {
		body := `{"items":[{"type":"c","ref":"R1","text":"good"},{"type":"c","ref":7,"text":{"a":1}},{"type":"c","ref":8,"text":{"a":1}},{"type":"c","ref":"R2","text":"also good"}]}`
		h := hook(body)
		h.Delivery = "D1"
		ev, err := p.Receiver.Receive(t.Context(), h)
		require.NoError(t, err)
		rc, err := e.Accept(t.Context(), ev)
		require.NoError(t, err)
		q := ""
		for i := range rc {
			if rc[i].Status == bridge.Quarantined {
				q = rc[i].Event
			}
		}
		require.NotEmpty(t, q)
		now = now.Add(time.Hour) // the config is corrected
		fixed := build(t, minimal+`
inbound:
  visibility: all
  each: body.items
  rules:
    - kind: ignore
      when: item.ref == 7 || item.ref == 8
    - kind: update
      when: item.type == "c"
      reference: item.ref
      text: item.text
`)
		e2, err := engine.New(engine.Options{Store: s, Now: func() time.Time { return now }, Destinations: []engine.Destination{{Name: bridge.SSP, Dest: nop{}}, {Name: "acme", Dest: nop{}}},
			Receivers: map[string]bridge.Receiver{engine.ReceiverKey("acme", bridge.ByWebhook): fixed.Receiver}})
		require.NoError(t, err)
		res, err := e2.Reread(t.Context(), "ann", q)
		require.NoError(t, err)
		for _, r := range res.Receipts {
			require.NotEqual(t, bridge.Conflict, r.Status)
			require.NotEqual(t, bridge.Accepted, r.Status, "accepted a second time: double effect")
		}
	})
}
