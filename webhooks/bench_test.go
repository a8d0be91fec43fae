package webhooks_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks"
)

// BenchmarkIntake measures a process call through the whole listener, without an engine behind it.
func BenchmarkIntake(b *testing.B) {
	r := start(b, func(o *webhooks.Options) { o.Observer, o.Log = nil, slog.New(slog.DiscardHandler) })
	r.status = func(bridge.Event) bridge.Receipt {
		r.events = nil // only the listener is measured
		return bridge.Receipt{Status: bridge.Accepted, Event: "e"}
	}
	body := `{"task":"4711","request_type":"Update","direction":"Out","message_id":"m","text":"` + strings.Repeat("out of order ", 80) + `"}`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest("POST", "/ssp/acme", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Bridge-Key", key)
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, req)
		if w.Code != 202 {
			b.Fatal(w.Code, w.Body.String())
		}
	}
}
