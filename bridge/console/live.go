package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// A page is kept fresh by server-sent events. The stream looks at the page once a second, as the
// page itself would be looked at, and sends its changing part when it is another one, or that there is
// nothing to be seen now: the store does not answer. Times said in words (3 min ago) do not count as a
// change; the script of the page keeps them.
const (
	lookEvery   = time.Second
	maxStreams  = 64
	streamQuiet = 15 * time.Second // a comment is sent after this, so that nobody cuts the line
	streamStall = 20 * time.Second // how long a reader may leave a piece lying
	streamLife  = time.Hour        // the browser comes back by itself
)

// livePath is the address of the streams.
const livePath = "/live"

type streamKey struct{}

// streamed reports whether a page is looked at for a stream.
func streamed(r *http.Request) bool { return r.Context().Value(streamKey{}) != nil }

// stream answers GET /live?at=PAGE.
func (s *server) stream(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query().Get("at")
	at, err := url.ParseRequestURI(q)
	if err != nil || at.Host != "" || ours(q) != q && at.Path != "/" {
		return badQuery("at", "a page of this console")
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.WriteHeader(http.StatusNoContent) // tells the browser to stop asking; the page still reloads by hand
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), streamLife)
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := &lines{w: w, control: http.NewResponseController(w)}
	if err := out.send("retry: 3000\n\n"); err != nil {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var none, last [sha256.Size]byte
	stale := false
	quiet := time.Now()
	for {
		if c := callerOf(ctx); c.session != nil && !s.guard.sessions.alive(r) {
			_ = out.send("event: over\ndata:\n\n") // the page goes to the sign-in
			return nil
		}
		body, ok := s.look(ctx, r, at)
		sum := sha256.Sum256(saidTimes.ReplaceAll(body, nil))
		var piece string
		switch {
		case ok && sum != last:
			stale, last, piece = false, sum, "event: view\ndata: "+strings.ReplaceAll(string(body), "\n", "\ndata: ")+"\n\n"
		case !ok && !stale: // what the page shows is not how things are any more, and it must say so
			stale, last, piece = true, none, "event: stale\ndata:\n\n"
		case time.Since(quiet) > streamQuiet:
			piece = ":\n\n"
		}
		if piece != "" {
			if out.send(piece) != nil {
				return nil // the reader is gone
			}
			quiet = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Closing:
			return nil
		case <-s.replaced: // the page comes back by itself, to what is in force now
			return nil
		case <-tick.C:
		}
	}
}

// saidTimes is what changes by itself: the words between the tags of a time.
var saidTimes = regexp.MustCompile(`>[^<]*</time>`)

// look makes the changing part of a page.
func (s *server) look(ctx context.Context, r *http.Request, at *url.URL) ([]byte, bool) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, streamKey{}, true), patience)
	defer cancel()
	again := r.Clone(ctx)
	again.URL, again.RequestURI = at, at.RequestURI()
	again.Pattern = ""
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	s.pageTree.ServeHTTP(rec, again)
	return bytes.ReplaceAll(rec.body.Bytes(), []byte("\r"), nil), rec.status == http.StatusOK
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// lines writes a stream, each piece in its own time.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (l *lines) send(piece string) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(streamStall)) // not every writer can
	if _, err := l.w.Write([]byte(piece)); err != nil {
		return fmt.Errorf("console: stream: %w", err)
	}
	return l.control.Flush()
}
