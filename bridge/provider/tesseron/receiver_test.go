package tesseron

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

func FuzzReceive(f *testing.F) {
	f.Add(`{"ticket_number":"A-1","status":"Done","id":"1","item":{"previous":"x"}}`)
	text, err := mapping.ParseText("${item.previous}")
	require.NoError(f, err)
	c := &Config{Poll: Poll{Statuses: map[string]*vendorapi.Telling{"Done": {Kind: "resolve", Text: text}}}}
	r := newReceiver("x", c, time.Now)
	f.Fuzz(func(t *testing.T, body string) {
		events, err := r.Receive(t.Context(), bridge.Inbound{Provider: "x", Entrance: bridge.ByPoll, Body: []byte(body), Received: time.Unix(1, 0)})
		require.NoError(t, err)
		for _, e := range events {
			require.True(t, e.Quarantine != "" || e.Reference != "")
		}
	})
}
