package console_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
)

// A watcher reads a stream.
type watcher struct {
	t    *testing.T
	body *bufio.Reader
	res  *http.Response
}

func (b *browser) watch(at string) *watcher {
	b.t.Helper()
	within, cancel := context.WithTimeout(ctx, 20*time.Second)
	b.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(within, http.MethodGet, b.url+"/live?"+url.Values{"at": {at}}.Encode(), nil)
	require.NoError(b.t, err)
	res, err := b.http.Do(req)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { res.Body.Close() })
	return &watcher{b.t, bufio.NewReader(res.Body), res}
}

// next returns the next event: its name and data. name is "" at the end of the stream.
func (w *watcher) next() (name, data string) {
	w.t.Helper()
	for {
		line, err := w.body.ReadString('\n')
		if err != nil {
			return "", ""
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "event: "):
			name = line[7:]
		case strings.HasPrefix(line, "data: "):
			data += line[6:] + "\n"
		case line == "" && name != "":
			return name, data
		}
	}
}

func TestAPageIsKeptFresh(t *testing.T) {
	t.Parallel()
	closing := make(chan struct{})
	w := newWorld(t, withPeople, func(o *console.Options) { o.Closing = closing })
	id := w.park("1")
	b := w.as(t, "otto")
	s := b.watch("/tasks/acme/1")
	require.Equal(t, "text/event-stream", s.res.Header.Get("Content-Type"))
	name, data := s.next()
	require.Equal(t, "view", name)
	require.Contains(t, data, "parked")
	require.NotContains(t, data, "<html", "only the part that changes")
	w.clock.advance(90 * time.Second) // times said in words are no change
	_, err := w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbEventRetry, Event: id})
	require.NoError(t, err)
	_, data = s.next()
	require.Contains(t, data, "queued")
	close(closing)
	name, _ = s.next()
	require.Empty(t, name, "the bridge stops")
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople)
	b := w.as(t, "vera")
	s := b.watch("/")
	name, _ := s.next()
	require.Equal(t, "view", name)
	b.press("/", "/logout", url.Values{})
	name, _ = s.next()
	require.Equal(t, "over", name)

	// A page that is only open keeps nobody signed in.
	b = w.as(t, "vera")
	s = b.watch("/")
	s.next()
	for range 2 {
		w.clock.advance(61 * time.Minute)
		w.park(fmt.Sprint(w.clock.now().Unix())) // so that the page is looked at again
		name, _ = s.next()
	}
	require.Equal(t, "over", name)
	require.Equal(t, "/login?next=%2F", b.get("/").path)

	// Nor does its stream when it begins anew, as browsers do after an hour, a reload of the config or a gap in the network.
	b = w.as(t, "vera")
	for range 2 {
		s = b.watch("/")
		s.next()
		w.clock.advance(61 * time.Minute)
	}
	require.Equal(t, "/login?next=%2F", b.get("/").path)
}

// moody is a store that comes and goes.
type moody struct {
	console.Store
	gone atomic.Bool
}

func (m *moody) Counts(ctx context.Context) (bridge.Counts, error) {
	if m.gone.Load() {
		return bridge.Counts{}, bridge.ErrUnavailable
	}
	return m.Store.Counts(ctx)
}

func TestAPageSaysThatNothingIsSeenNow(t *testing.T) {
	t.Parallel()
	store := &moody{}
	w := newWorld(t, withPeople, func(o *console.Options) { store.Store, o.Store = o.Store, store })
	s := w.as(t, "vera").watch("/")
	name, before := s.next()
	require.Equal(t, "view", name)
	store.gone.Store(true)
	name, _ = s.next()
	require.Equal(t, "stale", name)
	store.gone.Store(false)
	name, after := s.next()
	require.Equal(t, "view", name, "also when nothing is new")
	require.Equal(t, before, after)
}

func TestStreamsAreOfOurPagesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.login()
	for _, at := range []string{"", "/logout", "/api/v1/backup", "//evil.example/tasks", "https://evil.example/", "/live?at=/", "/login", "/events/x/files/1"} {
		require.Equal(t, 400, b.get("/live?"+url.Values{"at": {at}}.Encode()).status, at)
	}
}

func TestTheScriptIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.request("GET", "/console.js", "")
	require.Equal(t, 200, rec.Code)
	require.Contains(t, rec.Header().Get("Content-Type"), "javascript")
	require.Contains(t, rec.Header().Get("Content-Security-Policy"), "script-src 'self'")
	require.NotContains(t, rec.Body.String(), "http://")
}
