package httpprovider

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// A bulk change gives more records one time than max_pages hold: the question would be the same for ever, and what
// comes after is never seen. With an overlap, it even goes back.
func TestPollThatCannotGetOnIsAnError(t *testing.T) {
	const p = `poll: {url: "/c?s=${cursor}", items: answer.l, next: answer.n, cursor: answer.c, max_pages: 2`
	round := func(poll, reached string) (*duty, string, error) {
		api := &fakeAPI{answers: func(string) (outbound.Answer, error) {
			return good(map[string]any{"l": []any{item(1)}, "n": "/c?more", "c": reached})
		}}
		d := &duty{}
		next, err := source(t, poll, api).round(t.Context(), d, "2026-01-01T12:00:00Z")
		return d, next, err
	}
	for name, c := range map[string]struct{ more, reached string }{
		"equal times":  {"}", "2026-01-01T12:00:00Z"},
		"same moment":  {", overlap: 1m}", "2026-01-01T13:00:00+01:00"},
		"same second":  {", overlap: 1m}", "2026-01-01T12:00:00.7Z"},
		"goes back":    {", overlap: 1m}", "2026-01-01T11:59:30Z"},
		"not a time":   {", overlap: 1m}", "x"},
		"other format": {", overlap: 1m}", "2026-01-01 11:59:30"},
	} {
		d, next, err := round(p+c.more, c.reached)
		require.Equal(t, "2026-01-01T12:00:00Z", next, name)
		require.ErrorContains(t, err, "raise max_pages", name)
		require.Len(t, d.events, 2, name+": what was read is kept")
		require.Equal(t, []string{"2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z"}, d.saved, name)
	}
	for _, c := range []struct{ more, reached string }{{"}", "2026-01-01T11:59:00Z"}, {", overlap: 1m}", "2026-01-01T12:00:01Z"}} {
		d, next, err := round(p+c.more, c.reached)
		require.NoError(t, err, c.more)
		require.Equal(t, c.reached, next, "a cursor is the vendor's; only one that is a time can be compared")
		require.Equal(t, c.reached, d.cursor)
	}
}
