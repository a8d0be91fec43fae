package console_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzQuery proves that every query is either answered by the real store or refused with the name
// of a parameter, on every list.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "limit=1&newest=true", "state=done&state=queued,parked", "since=7d&search=printer+fire", "since=2026-01-01T00:00:00Z",
		"reference=INC-1&provider=acme", `search="`, "search=*+AND+(", "search=a%22*", "search=-", "after=5", "task=%00", "kind=submit&dir=out&reason=echo",
		"since=1e300d", "since=0.1d", "limit=%20", "newest", "waiting=1", "destination=ssp", "after=acme/4711", "%zz", "&&==;",
		"search=%F0%9F%98%80", "search=%C2%AD", "reference=%EF%AC%81",
	} {
		f.Add(q)
	}
	w := newWorld(f)
	w.bonded("4711", "INC-1")
	w.park("4712")
	f.Fuzz(func(t *testing.T, q string) {
		for _, path := range []string{"/api/v1/events", "/api/v1/quarantine", "/api/v1/lanes", "/api/v1/bonds", "/api/v1/activity"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL.RawQuery = q
			r.RemoteAddr = "127.0.0.1:1"
			signed(r)
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, r)
			switch rec.Code {
			case http.StatusOK:
				var list struct{ Items []json.RawMessage }
				require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &list))
				require.NotNil(t, list.Items)
			default:
				require.Equal(t, http.StatusBadRequest, rec.Code, "%s?%s: %s", path, q, rec.Body)
				require.NotEmpty(t, problem(t, rec).Detail)
			}
		}
	})
}
