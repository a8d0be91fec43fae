package httpprovider

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/outbound"
)

func TestAnAnswerWithoutAListKeepsTheCursor(t *testing.T) {
	for name, a := range map[string]outbound.Answer{
		"renamed": {Status: 200, Body: []byte(`{"error":"rate limited","data":[{"id":1,"no":"A-1","text":"t"}]}`), Header: http.Header{"Content-Type": {"application/json"}}},
		"garbage": {Status: 200, Body: []byte(`maintenance`), Header: http.Header{"Content-Type": {"text/plain"}}},
		"empty":   {Status: 200, Header: http.Header{}},
		"204":     {Status: 204, Header: http.Header{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{answers: func(string) (outbound.Answer, error) { return a, nil }}
			s := source(t, `poll: {url: /c, query: {since: "${cursor}"}, items: answer.items, every: 1m, overlap: 0s}`, api)
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
			defer cancel()
			d := &duty{}
			require.NoError(t, s.Run(ctx, d))
			require.Equal(t, "2000-01-01T00:00:00Z", d.cursor, "%s: it stays where it began", name)
			require.GreaterOrEqual(t, len(api.asked), 2, "%s: it is asked again", name)
		})
	}
}
