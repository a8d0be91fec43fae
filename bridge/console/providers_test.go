package console_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console"
)

func TestProvidersShowTheirConfigAndTryMappings(t *testing.T) {
	t.Parallel()
	var asked string
	calls := 0
	w := newWorld(t, func(o *console.Options) {
		o.Destinations[1].Config = "kind: http\nauth: {bearer: {env: ACME_TOKEN}} # " + hidden
		o.Destinations[1].Test = func(context.Context) (string, error) {
			if calls++; calls > 1 {
				return "", context.DeadlineExceeded
			}
			return "200 OK " + hidden, nil
		}
		o.Map = func(_ context.Context, q json.RawMessage) (any, error) {
			asked = string(q)
			return map[string]any{"call": "POST /x\n\n{\"a\":\"" + hidden + "\"}"}, nil
		}
	})
	id := w.park("1")
	b := w.browser(t)
	b.login()
	wellFormed(t, b.get("/providers").body)
	v := b.get("/providers/acme")
	require.Contains(t, v.body, "ACME_TOKEN")
	require.NotContains(t, v.body, hidden)
	wellFormed(t, v.body)
	require.Equal(t, 404, b.get("/providers/none").status)
	require.NotContains(t, b.get("/providers/ssp").body, "Try the mapping")

	v = b.press("/providers/acme", "/providers/acme/test", url.Values{})
	require.Contains(t, v.body, "200 OK [secret]")
	require.Contains(t, b.press("/providers/acme", "/providers/acme/test", url.Values{}).body, "The test call failed")
	require.Equal(t, 404, b.press("/providers/acme", "/providers/beta/test", url.Values{}).status)

	v = b.press("/providers/acme", "/providers/acme/map", url.Values{"what": {"event"}, "event": {id}})
	require.Equal(t, 200, v.status)
	require.Contains(t, v.body, "&#34;a&#34;: &#34;[secret]&#34;")
	require.Contains(t, asked, `"printer on fire"`)
	require.Contains(t, asked, `"bond":{`)
	b.press("/providers/acme", "/providers/acme/map", url.Values{"what": {"webhook"}, "sample": {"<x/>"}, "content_type": {"text/xml"}})
	require.JSONEq(t, `{"provider":"acme","inbound":{"entrance":"webhook","content_type":"text/xml","body":"<x/>"}}`, asked)
	for _, form := range []url.Values{{"what": {"event"}, "sample": {"{"}}, {"what": {"webhook"}, "event": {id}}} {
		v = b.press("/providers/acme", "/providers/acme/map", form)
		require.Equal(t, 422, v.status)
		require.Contains(t, v.body, `role="alert"`)
	}
	require.Equal(t, 404, b.press("/providers/acme", "/providers/acme/map", url.Values{"what": {"event"}, "event": {"none"}}).status)
}
