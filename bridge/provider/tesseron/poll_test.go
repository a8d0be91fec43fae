package tesseron

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

func TestForget(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	p := &poll{config: &Config{Poll: Poll{Forget: config.Duration(time.Hour)}}, now: func() time.Time { return now }}
	hits := map[string]vendorapi.Record{"hit": {}}
	bonds := map[string]bridge.Bond{"open": {State: bridge.BondOpen}, "resolved": {State: bridge.BondResolved}, "going on": {State: bridge.BondResolved}}
	st := &seen{Tickets: map[string]*ticket{"hit": {Resolved: 1}, "open": {Resolved: 1}, "resolved": {Resolved: 1}, "going on": {}, "left": {}, "back": {}}}
	kept := func() []string {
		p.forget(st, hits, bonds)
		return slices.Sorted(maps.Keys(st.Tickets))
	}
	require.Equal(t, []string{"back", "going on", "hit", "left", "open"}, kept())
	now = now.Add(time.Hour)
	hits["back"] = vendorapi.Record{}
	require.Equal(t, []string{"back", "going on", "hit", "left", "open"}, kept())
	delete(hits, "back")
	now = now.Add(time.Second)
	require.Equal(t, []string{"back", "going on", "hit", "open"}, kept())
	now = now.Add(time.Hour + time.Second)
	require.Equal(t, []string{"going on", "hit", "open"}, kept())
}
