package console

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Idempotency-Key: a write that is sent again with its key gets the first answer again. Answers are
// remembered by this process alone; after a restart, or at another replica, a repeated command is
// carried out again, which is safe: every command says `changed: false` where nothing is left to do.
const (
	onceLife   = 24 * time.Hour
	onceMemory = 4096
	onceKey    = 200 // bytes of a key
	onceAnswer = 256 << 10
)

// answered remembers answers.
type answered struct {
	now func() time.Time

	mu    sync.Mutex
	by    map[[sha256.Size]byte]*firstAnswer
	order [][sha256.Size]byte // oldest first
}

// A firstAnswer is kept under the hash of its caller and key.
type firstAnswer struct {
	at      time.Time
	request [sha256.Size]byte
	done    bool
	status  int
	header  http.Header
	body    []byte
}

// once makes a write repeatable.
func (s *server) once(serve answer) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		key := r.Header.Get(api.IdempotencyHeader)
		if key == "" {
			return serve(w, r)
		}
		if len(key) > onceKey {
			return badQuery(api.IdempotencyHeader, "at most %d bytes", onceKey)
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxImport))
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		id := sha256.Sum256([]byte(callerOf(r.Context()).person + "\x00" + key))
		what := sha256.Sum256([]byte(r.Method + "\x00" + r.URL.RequestURI() + "\x00" + string(body)))
		first, err := s.answered.claim(id, what)
		if err != nil {
			return err
		}
		if first != nil {
			for name, values := range first.header {
				w.Header()[name] = values
			}
			w.Header().Set("Idempotency-Replayed", "true")
			w.WriteHeader(first.status)
			_, _ = w.Write(first.body) // fails only when the caller is gone
			return nil
		}
		rec := &recorder{header: http.Header{}, status: http.StatusOK}
		defer func() { // also after a panic: the key must not stay taken
			s.answered.settle(id, rec, err == nil && rec.status < 500)
		}()
		err = serve(rec, r)
		if err != nil {
			p := asProblem(err)
			if p.Status >= http.StatusInternalServerError { // may go well another time
				return err
			}
			writeProblem(rec, p)
			err = nil
		}
		for name, values := range rec.header {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.status)
		_, _ = w.Write(rec.body.Bytes())
		return nil
	}
}

// claim takes a key, or returns its first answer.
func (a *answered) claim(id, what [sha256.Size]byte) (*firstAnswer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if a.by == nil {
		a.by = map[[sha256.Size]byte]*firstAnswer{}
	}
	for len(a.order) > 0 && (len(a.by) >= onceMemory || a.by[a.order[0]] == nil || now.Sub(a.by[a.order[0]].at) > onceLife) {
		delete(a.by, a.order[0])
		a.order = a.order[1:]
	}
	switch first := a.by[id]; {
	case first == nil:
		a.by[id] = &firstAnswer{at: now, request: what}
		a.order = append(a.order, id)
		return nil, nil
	case first.request != what:
		return nil, problem(api.KeyReused, "this key came before with another request")
	case !first.done:
		p := problem(api.InProgress, "the first request with this key is still under way")
		p.RetryAfter = 1
		return nil, p
	default:
		return first, nil
	}
}

// settle keeps an answer, or gives the key back.
func (a *answered) settle(id [sha256.Size]byte, rec *recorder, keep bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.by[id]
	if first == nil {
		return
	}
	if !keep || rec.body.Len() > onceAnswer {
		delete(a.by, id)
		return
	}
	first.done, first.status, first.header, first.body = true, rec.status, rec.header, bytes.Clone(rec.body.Bytes())
}
