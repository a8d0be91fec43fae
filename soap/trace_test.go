package soap

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestTheTraceIsPassedOn(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	got := make(chan http.Header, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	d := newDestination(t, Config{URL: s.URL, Contract: Assumed})
	for in, want := range map[string]string{trace: trace, "": "", "00-x\r\nEvil: 1": ""} {
		l := lease(bridge.Update, "1", "x")
		l.Event.Trace = in
		d.Deliver(t.Context(), l)
		h := <-got
		require.Equal(t, want, h.Get("Traceparent"))
		require.Empty(t, h.Get("Evil"))
	}
}
