package engine

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// about returns the records that name a destination.
func (l *lines) about(t *testing.T) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for line := range strings.Lines(l.b.String()) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		if m[LogDest] != nil {
			out = append(out, m)
		}
	}
	return out
}

func TestEqualFailuresAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Unavailable, Status: 503, Down: true}
		away := bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent, Down: true}
		var l lines
		b := start(t, newFakeStore(), Options{Log: slog.New(slog.NewJSONHandler(&l, nil))}, says(down, down, down, away, away), nil)
		b.accept(t, out("1", bridge.Submit))
		pass(10 * time.Minute)
		b.end(t)
		got := l.about(t)
		require.Len(t, got, 3)
		require.Equal(t, "unavailable", got[0][LogReason])
		require.EqualValues(t, 503, got[0][LogStatus])
		require.Equal(t, "WARN", got[0]["level"])
		for _, key := range []string{LogEvent, LogTask, LogProvider, LogKind, LogDest, LogAttempt, LogOutcome, LogThen, LogDue, LogState} {
			require.Contains(t, got[0], key)
		}
		require.Equal(t, "not_sent", got[1][LogReason])
		require.Equal(t, "the destination works again", got[2]["msg"])
		require.EqualValues(t, 5, got[2][LogCount])
	})
}

func TestEveryParkedAndSkippedEventIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := bridge.Outcome{Kind: bridge.OutcomeRefused, Detail: "no"}
		var l lines
		b := start(t, newFakeStore(), Options{Log: slog.New(slog.NewJSONHandler(&l, nil))}, says(no, no, no), nil)
		b.accept(t, out("1", bridge.Submit))
		b.accept(t, out("2", bridge.Submit))
		b.accept(t, out("3", bridge.Update), out("3", bridge.Update))
		synctest.Wait()
		b.end(t)
		got := l.about(t)
		require.Len(t, got, 3, "a plain delivery is not news")
		for _, m := range got {
			require.Equal(t, "WARN", m["level"])
			require.Equal(t, "no", m[LogDetail])
		}
	})
}
