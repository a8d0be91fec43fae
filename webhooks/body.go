package webhooks

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// body reads the body of a call within its bounds of size and time. Callers that have proven nothing
// before their body share half of the slots, so that strangers who send slowly cannot keep out those
// who have. When it returns false the call is answered.
func (s *server) body(c *call, limit int64, proven bool) ([]byte, bool) {
	if !proven {
		select {
		case s.strangers <- struct{}{}:
			defer func() { <-s.strangers }()
		default:
			s.unavailable(c, "too many calls at once")
			return nil, false
		}
	}
	if e := c.r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		c.w.Header().Set("Accept-Encoding", "identity")
		c.problem(problem{status: http.StatusUnsupportedMediaType, word: "unsupported_encoding", detail: "a body with a Content-Encoding is not read: send it uncompressed, without that header"})
		return nil, false
	}
	if c.r.ContentLength > limit {
		tooLarge(c, limit)
		return nil, false
	}
	rc := http.NewResponseController(c.w)
	// Recorders in tests know no deadlines; the server's own timeout holds all the same.
	_ = rc.SetReadDeadline(time.Now().Add(s.Timeout))
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		// Left behind, the deadline would cut off the caller while it waits for its answer. After
		// a failure it stays, so that the server does not wait for the rest of the body.
		_ = rc.SetReadDeadline(time.Time{})
		return b, true
	case errors.As(err, &large):
		tooLarge(c, limit)
	default:
		c.w.Header().Set("Connection", "close")
		c.problem(problem{status: http.StatusRequestTimeout, word: "incomplete", detail: "the body did not come whole and in time"})
	}
	return nil, false
}

func tooLarge(c *call, limit int64) {
	c.w.Header().Set("Connection", "close") // the rest of the body is not read
	c.problem(problem{status: http.StatusRequestEntityTooLarge, word: "too_large", detail: "the body is larger than " + size(limit)})
}

// traceparent is the W3C trace context header, version 00 and the shape later versions keep.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// trace returns the caller's trace context, if it is one.
func trace(h http.Header) string {
	if t := h.Get("Traceparent"); traceparent.MatchString(t) {
		return t
	}
	return ""
}

// credential are words in names of query parameters whose values are not kept.
var credential = []string{"token", "secret", "key", "sig", "auth", "pass", "pwd", "session", "code"}

// query returns the first value of each query parameter, without credentials and our own.
func query(values url.Values) map[string]string {
	out := make(map[string]string, len(values))
next:
	for name, v := range values {
		lower := strings.ToLower(name)
		for _, w := range credential {
			if strings.Contains(lower, w) {
				continue next
			}
		}
		if len(out) == 50 || len(v) == 0 || lower == "wait" {
			continue
		}
		out[name] = secret.Mask(short(v[0], 1<<10))
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// short returns at most n bytes of what a caller wrote.
func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
