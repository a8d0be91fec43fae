package console_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestActivityHasPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 130 {
		if i%3 == 0 {
			w.clock.advance(time.Second)
		}
		_, err := w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbDestPause, Dest: "acme", Person: "p", Note: strings.Repeat("i", i+1)})
		require.NoError(t, err)
		_, err = w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbDestResume, Dest: "acme", Person: "p"})
		require.NoError(t, err)
	}
	b := w.browser(t)
	b.login()
	n, path := 0, "/activity"
	for range 4 {
		v := b.get(path)
		require.Equal(t, 200, v.status)
		n += strings.Count(v.body, "<td>p</td>")
		next := regexp.MustCompile(`href="([^"]+)">Earlier`).FindStringSubmatch(v.body)
		if next == nil {
			break
		}
		path = html.UnescapeString(next[1])
	}
	require.Equal(t, 260, n, "each once")
	for _, after := range []string{"x", "1", "-1-1", "5-0"} {
		require.Equal(t, 400, b.get("/activity?after="+after).status, after)
	}
}
