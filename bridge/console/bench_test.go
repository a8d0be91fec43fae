package console_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
)

// BenchmarkPages measures what a person waits for. PERGABRIDGE_BENCH_EVENTS says how many events are
// stored, twenty a task; one in a thousand is in quarantine.
func BenchmarkPages(b *testing.B) {
	n := 20_000
	if v := os.Getenv("PERGABRIDGE_BENCH_EVENTS"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(b, err)
	}
	w := newWorld(b, func(o *console.Options) { o.Now = time.Now })
	words := []string{"printer", "smoke", "kitchen", "leaks", "network", "slow", "password", "locked", "screen", "dark"}
	const piece = 1000
	for from := 0; from < n; from += piece {
		events := make([]bridge.Event, 0, piece)
		for i := from; i < from+piece; i++ {
			task := fmt.Sprint(100_000 + i/20)
			e := bridge.Event{Provider: "acme", Task: task, Dir: bridge.Out, Kind: bridge.Update, Entrance: bridge.ByProcessCall, Ignore: bridge.IgnoredByRule,
				Text: fmt.Sprintf("%s %s number %d", words[i%10], words[i/7%10], i)}
			switch {
			case i%20 == 0:
				e.Kind, e.Ignore, e.Reference = bridge.Submit, "", "INC-"+task
			case i%1000 == 1:
				e.Ignore, e.Quarantine = "", bridge.NoRule
			}
			events = append(events, e)
		}
		w.accept(events...)
	}
	for indexed := 0; indexed <= n; indexed += piece {
		_, err := w.store.Sweep(ctx, bridge.SweepOptions{Batch: piece})
		require.NoError(b, err)
	}
	pages := []struct{ name, path string }{
		{"overview", "/"}, {"task", "/tasks/acme/100007"}, {"tasks", "/tasks"}, {"by_task", "/tasks?q=100042"}, {"by_reference", "/tasks?q=inc-100042"},
		{"by_rare_word", "/tasks?q=4242"}, {"by_common_words", "/tasks?q=printer+smoke"}, {"by_state", "/tasks?state=open"}, {"by_prefix", "/tasks?q=INC-1000"}, {"by_time", "/tasks?since=24h"},
		{"events", "/events"}, {"events_by_reason", "/events?reason=bounced"}, {"parked", "/parked"}, {"quarantine", "/quarantine"}, {"quarantine_by_reason", "/quarantine?provider=acme&reason=no_rule"}, {"activity", "/activity"},
	}
	for _, p := range pages {
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				rec := w.request("GET", p.path, "", signed)
				if rec.Code != 200 {
					b.Fatal(rec.Code, rec.Body)
				}
			}
		})
	}
}
