package webhooks_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks"
)

func TestWebhook(t *testing.T) {
	r := start(t)
	const body = `{"a":1}`
	require.Equal(t, map[string]any{"event": "event-1", "status": "accepted"}, answer(t, r.signed(body, "X-GitHub-Delivery", "d1", "X-GitHub-Event", "issues"), 202))
	require.Equal(t, map[string]any{"event": "event-1", "status": "duplicate"}, answer(t, r.signed(body, "X-GitHub-Delivery", "d1"), 200))
	e := r.all()
	require.Len(t, e, 1)
	require.Equal(t, "acme", e[0].Provider)
	require.Equal(t, bridge.ByWebhook, e[0].Entrance)
	require.Equal(t, noon, e[0].Received)
	require.Equal(t, &bridge.Inbound{
		Provider: "acme", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: []byte(body), Received: noon, Delivery: "d1",
		Header: map[string]string{"Content-Type": "application/json", "X-Github-Delivery": "d1", "X-Github-Event": "issues"},
	}, e[0].Inbound)
}

func TestWebhookWithSeveralEvents(t *testing.T) {
	r := start(t, withRules(func(bridge.Inbound) ([]bridge.Event, error) {
		return []bridge.Event{{Dir: bridge.In, Kind: bridge.Update, Key: "a"}, {Dir: bridge.In, Kind: bridge.Resolve, Key: "b"}}, nil
	}))
	got := answer(t, r.signed("{}"), 202)
	require.Equal(t, map[string]any{"status": "accepted", "events": []any{
		map[string]any{"event": "event-1", "status": "accepted"}, map[string]any{"event": "event-2", "status": "accepted"},
	}}, got)
	require.Equal(t, "duplicate", answer(t, r.signed("{}"), 200)["status"])
}

func withRules(f rules) func(*webhooks.Options) {
	return func(o *webhooks.Options) {
		in := o.Providers["acme"]
		in.Receiver = f
		o.Providers["acme"] = in
	}
}

func TestWebhookThatMeansNothingLeavesARecord(t *testing.T) {
	r := start(t, withRules(func(bridge.Inbound) ([]bridge.Event, error) { return nil, nil }))
	require.Equal(t, map[string]any{"status": "ignored"}, answer(t, r.signed("{}", "X-GitHub-Delivery", "d9"), 202))
	require.Equal(t, "ignored", r.last().Result)
	require.Contains(t, r.log.String(), "level=INFO")
	require.Contains(t, r.log.String(), "delivery=d9")
}

func TestWebhookThatCannotBeMappedIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		f      rules
		reason bridge.Reason
		detail string
	}{
		"quarantined by the rules": {func(bridge.Inbound) ([]bridge.Event, error) {
			return []bridge.Event{{Dir: bridge.In, Quarantine: bridge.NoRule, Detail: "no rule fits"}}, nil
		}, bridge.NoRule, "no rule fits"},
		"error": {func(bridge.Inbound) ([]bridge.Event, error) { return nil, errors.New("bad rule " + shared) }, bridge.RuleFailed, "bad rule [secret]"},
		"panic": {func(bridge.Inbound) ([]bridge.Event, error) { panic("bug") }, bridge.InternalError, "the bridge failed while it read this input; its log says more"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, withRules(c.f))
			require.Equal(t, map[string]any{"event": "event-1", "status": "quarantined"}, answer(t, r.signed(`{"x":1}`), 202))
			e := r.all()
			require.Len(t, e, 1)
			require.Equal(t, c.reason, e[0].Quarantine)
			require.Equal(t, c.detail, e[0].Detail)
			require.Equal(t, `{"x":1}`, string(e[0].Inbound.Body))
			require.Equal(t, bridge.In, e[0].Dir)
		})
	}
}

func TestHundredCopiesAtOnce(t *testing.T) {
	r := start(t)
	var wg sync.WaitGroup
	codes := make([]int, 100)
	for i := range codes {
		wg.Go(func() { codes[i] = r.signed("{}", "X-GitHub-Delivery", "d1").Code })
	}
	wg.Wait()
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	require.Equal(t, map[int]int{202: 1, 200: 99}, count)
	require.Len(t, r.all(), 1)
}
