package console_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
)

func TestManyAreRepairedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople)
	b := w.as(t, "otto")
	var parked, kept []string
	for _, task := range []string{"1", "2", "3"} {
		parked = append(parked, w.park(task))
	}
	for _, body := range []string{"a", "b"} {
		kept = append(kept, w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound(body, "text/plain")})...)
	}
	other := w.accept(bridge.Event{Provider: "beta", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.Unreadable, Inbound: inbound("c", "text/plain")})[0]

	v := b.get("/repairs?of=parked&verb=retry&provider=acme&reason=refused")
	require.Contains(t, v.body, "3 parked lanes")
	wellFormed(t, v.body)
	require.Equal(t, bridge.StateParked, w.state(parked[0]), "asking does nothing")
	v = b.press("/repairs?of=parked&verb=retry&provider=acme", "/repairs", url.Values{"of": {"parked"}, "verb": {"retry"}, "provider": {"acme"}, "reason": {"refused"}})
	require.Equal(t, 200, v.status)
	require.Regexp(t, `^/repairs/`, v.path)
	w.ended(b, v.path, "3 of 3 done")
	for _, id := range parked {
		require.Equal(t, bridge.StateQueued, w.state(id))
	}

	v = b.press("/quarantine", "/repairs", url.Values{"of": {"quarantine"}, "verb": {"retry"}, "reason": {"no_rule"}})
	page := w.ended(b, v.path, "0 of 2 done, 2 stay as they were")
	require.Contains(t, page, "still cannot be read")
	v = b.press("/quarantine", "/repairs", url.Values{"of": {"quarantine"}, "verb": {"discard"}, "provider": {"acme"}})
	require.Equal(t, 400, v.status)
	require.Contains(t, v.body, "The note is needed.")
	v = b.press("/quarantine", "/repairs", url.Values{"of": {"quarantine"}, "verb": {"discard"}, "provider": {"acme"}, "note": {"noise"}})
	w.ended(b, v.path, "2 of 2 done")
	require.Equal(t, bridge.StateEnded, w.state(kept[1]))
	require.Equal(t, bridge.StateQuarantined, w.state(other))
	require.Contains(t, b.get("/repairs").body, "discard quarantine of acme")
	require.Equal(t, 404, b.get("/repairs/none").status)
	for _, form := range []url.Values{{"of": {"parked"}, "verb": {"retry"}}, {"of": {"all"}, "verb": {"retry"}, "provider": {"acme"}},
		{"of": {"parked"}, "verb": {"discard"}, "provider": {"acme"}}, {"of": {"parked"}, "verb": {"retry"}, "reason": {"because"}}} {
		require.Equal(t, 400, b.press("/quarantine", "/repairs", form).status, form)
	}
}

// ended waits until a repair has ended and returns its page.
func (w *world) ended(b *browser, path, want string) string {
	w.t.Helper()
	var body string
	require.Eventually(w.t, func() bool {
		body = b.get(path).body
		return strings.Contains(body, "Ended:")
	}, 10*time.Second, 5*time.Millisecond)
	require.Contains(w.t, body, want)
	return body
}

// crowded is a store with many parked lanes.
type crowded struct {
	console.Store
	lanes []bridge.Lane
}

func (c crowded) Lanes(_ context.Context, f bridge.LaneFilter) ([]bridge.Lane, error) {
	var out []bridge.Lane
	for _, l := range c.lanes[min(f.After.Head, int64(len(c.lanes))):] {
		if len(out) < f.Limit {
			out = append(out, l)
		}
	}
	return out, nil
}

// What is meant by a reason is looked for behind as many others as there may be.
func TestARepairFindsItsReasonBehindManyOthers(t *testing.T) {
	t.Parallel()
	many := crowded{}
	for i := range 10_003 {
		l := bridge.Lane{ID: bridge.LaneID{Provider: "acme", Task: fmt.Sprint(i), Dir: bridge.Out}, State: bridge.LaneParked, Reason: bridge.Fault, Head: fmt.Sprint(i), HeadSeq: int64(i + 1)}
		if i >= 10_000 {
			l.Reason = bridge.RefusedAnswer
		}
		many.lanes = append(many.lanes, l)
	}
	w := newWorld(t, func(o *console.Options) { many.Store = o.Store; o.Store = many })
	page := func(reason string) string {
		return w.request("GET", "/repairs?of=parked&verb=retry&reason="+reason, "", signed).Body.String()
	}
	require.Contains(t, page("refused"), "3 parked lanes")
	require.NotContains(t, page("refused"), "and perhaps more")
	require.Contains(t, page("fault"), "10000 parked lanes")
	require.Contains(t, page("fault"), "and perhaps more")
}
