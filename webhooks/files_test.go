package webhooks_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/webhooks"
)

// A shelf is a listener that gives out the one file of one event.
type shelf struct {
	handler http.Handler
	links   *files.Links
	event   bridge.Event
	asked   int
	now     time.Time
}

func newShelf(t *testing.T, change func(*webhooks.Options)) *shelf {
	t.Helper()
	t.Setenv("FILES_TEST_KEY", "files-test-key-0123456789")
	n, err := config.Parse("c.yaml", []byte("links: {secret: {env: FILES_TEST_KEY}, for: 24h, rate: 5}"))
	require.NoError(t, err)
	c := &files.Config{}
	config.Decode(n, c)
	require.Empty(t, n.Problems())
	s := &shelf{links: files.NewLinks(c.WithDefaults(), "https://bridge.example.com"), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	data := []byte("<script>alert(1)</script>")
	sum := sha256.Sum256(data)
	f := bridge.File{N: 1, Name: "page.html", Type: "text/html", Size: len(data), SHA256: hex.EncodeToString(sum[:]), Data: data}
	s.event = bridge.Event{ID: bridge.NewID(), Dir: bridge.In, Entrance: bridge.ByMailbox, State: bridge.StateDone, Received: s.now,
		Fields: map[string]any{"mail": map[string]any{"attachments": bridge.FileField([]bridge.File{f})}}, Inbound: &bridge.Inbound{Body: []byte("raw")}}
	o := webhooks.Options{Acceptor: &acceptor{}, Now: func() time.Time { return s.now }, Files: &webhooks.FileOptions{
		Links: s.links, Rate: 5,
		Event: func(_ context.Context, id string) (bridge.Event, error) {
			s.asked++
			if id != s.event.ID {
				return bridge.Event{}, bridge.ErrNotFound
			}
			return s.event, nil
		},
		Opener: &files.Opener{Max: 1000, Total: 1000, Readers: map[bridge.Entrance]files.Reader{
			bridge.ByMailbox: func(*bridge.Inbound) ([]bridge.File, error) { return []bridge.File{f}, nil },
		}},
	}}
	if change != nil {
		change(&o)
	}
	s.handler = webhooks.New(o)
	return s
}

func (s *shelf) get(path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

func (s *shelf) path(n int) string {
	return strings.TrimPrefix(s.links.URL(&s.event, n), "https://bridge.example.com")
}

func TestFileByLink(t *testing.T) {
	s := newShelf(t, nil)
	rec := s.get(s.path(1))
	require.Equal(t, 200, rec.Code, rec.Body)
	require.Equal(t, "<script>alert(1)</script>", rec.Body.String())
	require.Equal(t, "application/octet-stream", rec.Header().Get("Content-Type"))
	require.Equal(t, `attachment; filename=page.html`, rec.Header().Get("Content-Disposition"))
	require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))
	require.Contains(t, rec.Header().Get("Content-Security-Policy"), "sandbox")

	asked := s.asked
	for _, path := range []string{"/files/", "/files", "/files/pbf1aaaa", "/files/" + s.event.ID, s.path(1) + "a", s.path(1) + "/2", strings.ToUpper(s.path(1))} {
		require.Equal(t, 404, s.get(path).Code, path)
	}
	require.Equal(t, asked, s.asked, "nothing is looked up without our signature")
	require.Equal(t, 410, s.get(s.path(2)).Code, "signed, but there is no such file")
	require.Equal(t, 405, func() int {
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, s.path(1), nil))
		return rec.Code
	}())

	path := s.path(1)
	for _, state := range []bridge.EventState{bridge.StateQuarantined, bridge.StateEnded, bridge.StateWaiting} {
		s.event.State = state
		s.now = s.now.Add(time.Second)
		require.Equal(t, 404, s.get(path).Code, "a good link to what is %s", state)
	}
	s.event.State = bridge.StateDone
	s.event.Inbound = nil
	require.Equal(t, 410, s.get(path).Code, "retention or erase took the input")
	s.now = s.now.Add(25 * time.Hour)
	require.Equal(t, 410, s.get(path).Code)
	id := s.event.ID
	s.event.ID = bridge.NewID()
	s.event.Received = s.now
	require.Equal(t, 410, s.get(path).Code)
	fresh := s.path(1)
	s.event.ID = id
	require.Equal(t, 404, s.get(fresh).Code, "the event is gone")
}

func TestFilesAreRateBound(t *testing.T) {
	s := newShelf(t, nil)
	for range 10 {
		require.Equal(t, 200, s.get(s.path(1)).Code)
	}
	rec := s.get(s.path(1))
	require.Equal(t, 429, rec.Code)
	require.NotEmpty(t, rec.Header().Get("Retry-After"))
	s.now = s.now.Add(time.Second)
	require.Equal(t, 200, s.get(s.path(1)).Code)
}

// slowReader takes nothing until it is let go.
type slowReader struct {
	*httptest.ResponseRecorder
	came chan<- struct{}
	held <-chan struct{}
}

func (w slowReader) Write(b []byte) (int, error) {
	w.came <- struct{}{}
	<-w.held
	return w.ResponseRecorder.Write(b)
}

// Whoever has a link and reads slowly does not keep out those who have others.
func TestSlowReadersOfOneLinkLeaveRoomForOthers(t *testing.T) {
	s := newShelf(t, nil)
	came, held := make(chan struct{}), make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		r := httptest.NewRequest(http.MethodGet, s.path(1), nil)
		readers.Go(func() { s.handler.ServeHTTP(slowReader{httptest.NewRecorder(), came, held}, r) })
		<-came
	}
	require.Equal(t, 429, s.get(s.path(1)).Code)
	first := s.event.ID
	s.event.ID = bridge.NewID()
	require.Equal(t, 200, s.get(s.path(1)).Code, "another one")
	s.event.ID = first
	close(held)
	readers.Wait()
	require.Equal(t, 200, s.get(s.path(1)).Code)
}

func TestNoFilesWithoutLinks(t *testing.T) {
	s := newShelf(t, func(o *webhooks.Options) { o.Files = nil })
	require.Equal(t, 404, s.get(s.path(1)).Code, "switched off: not even a good link")
	require.Zero(t, s.asked)
}
