package tesseron

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// While pages are read the vendor gets new records, which move the rest to later pages: then a hit comes twice, and
// that is no mistake of anybody.
func TestAll(t *testing.T) {
	d := &Destination{name: "desk", config: &Config{PageSize: 2, MaxPages: 4}}
	profile := &vendorapi.Profile{Read: map[string]map[string][]string{"m": {"id": {"id"}}}}
	search := func(count int64, pages ...[]string) (ids []string, err error) {
		asked := 0
		hits, err := d.all(t.Context(), "Op", Search{}, func(_ context.Context, q Search) (Page, error) {
			require.Equal(t, 2, q.Take)
			p := Page{Count: count}
			if asked < len(pages) {
				for _, id := range pages[asked] {
					p.Items = append(p.Items, profile.Record("m", map[string]any{"id": id}))
				}
			}
			asked++
			return p, nil
		}, "id")
		for _, h := range hits {
			ids = append(ids, h.String("id"))
		}
		return ids, err
	}
	for _, pages := range [][][]string{{{"1", "2"}, {"3"}}, {{"1", "2"}, {"2", "3"}}, {{"1", "2"}, {"2", "3"}, {"3"}}} {
		got, err := search(0, pages...)
		require.NoError(t, err)
		require.Equal(t, []string{"1", "2", "3"}, got)
	}
	got, err := search(3, []string{"1"}, []string{"2"}, []string{"3"}) // shorter pages than asked for
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "3"}, got)
	_, err = search(0, []string{"1", "2"}, []string{"1", "2"})
	require.ErrorContains(t, err, "page 2 is the first one again")
	_, err = search(0, []string{""})
	require.ErrorContains(t, err, "a hit without id")
	_, err = search(9, []string{"1"}, []string{"2"}, []string{"3"}, []string{"4"}, []string{"5"})
	require.ErrorContains(t, err, "max_pages")
}

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
