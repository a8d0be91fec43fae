package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Idempotency-Key: a write that is sent again with its key gets the first answer again, from every
// replica and after a restart: answers are pinned to the board of the store. A key is taken first, and
// held while the write is under way; one whose replica died in the middle of it is free again after a
// while, and the command is then carried out again, which is safe: every command says `changed: false`
// where nothing is left to do.
const (
	onceLife   = 24 * time.Hour
	onceHeld   = 2 * time.Minute // longer than any write takes
	onceKey    = 200             // bytes of a key
	onceAnswer = bridge.MaxNotice / 2
	onceKind   = "answer" // of the notices
)

// takesKey reports whether an operation is a write whose key counts. The board is part of the ledger: while
// that stands still after a reset nothing can be pinned there, and the command that lets it go on needs no
// key, for a second one changes nothing.
func (o operation) takesKey() bool { return o.method == http.MethodPost && o.id != "resumeStore" }

// A firstAnswer is kept under the hash of its caller and key.
type firstAnswer struct {
	Request []byte      `json:"request"` // hash
	Done    bool        `json:"done,omitempty"`
	Status  int         `json:"status,omitempty"`
	Header  http.Header `json:"header,omitempty"`
	Body    []byte      `json:"body,omitempty"`
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
		hash := sha256.Sum256([]byte(callerOf(r.Context()).person + "\x00" + key))
		what := sha256.Sum256([]byte(r.Method + "\x00" + r.URL.RequestURI() + "\x00" + string(body)))
		id := hex.EncodeToString(hash[:])
		first, err := s.claim(r.Context(), id, what[:])
		if err != nil {
			return err
		}
		if first != nil {
			for name, values := range first.Header {
				w.Header()[name] = values
			}
			w.Header().Set("Idempotency-Replayed", "true")
			w.WriteHeader(first.Status)
			_, _ = w.Write(first.Body) // fails only when the caller is gone
			return nil
		}
		rec := &recorder{header: http.Header{}, status: http.StatusOK}
		kept := false
		defer func() { // also after a panic: the key must not stay taken
			s.keepAnswer(r.Context(), id, what[:], rec, kept && rec.status < 500)
		}()
		err = serve(rec, r)
		if err != nil {
			p := asProblem(err)
			if p.Status >= http.StatusInternalServerError { // may go well another time
				return err
			}
			writeProblem(rec, p)
		}
		kept = true
		for name, values := range rec.header {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.status)
		_, _ = w.Write(rec.body.Bytes())
		return nil
	}
}

// claim takes a key, or returns its first answer.
func (s *server) claim(ctx context.Context, id string, what []byte) (*firstAnswer, error) {
	there, err := s.Store.PinNew(ctx, s.answerNotice(id, &firstAnswer{Request: what}, onceHeld))
	if err != nil || there == nil {
		return nil, err
	}
	var first firstAnswer
	if err := json.Unmarshal(there.Value, &first); err != nil {
		return nil, fmt.Errorf("console: a kept answer cannot be read: %w", err)
	}
	switch {
	case !bytes.Equal(first.Request, what):
		return nil, problem(api.KeyReused, "this key came before with another request")
	case !first.Done:
		p := problem(api.InProgress, "the first request with this key is still under way")
		p.RetryAfter = 1
		return nil, p
	}
	return &first, nil
}

// keepAnswer keeps an answer, or gives the key back.
func (s *server) keepAnswer(ctx context.Context, id string, what []byte, rec *recorder, keep bool) {
	n := bridge.Notice{Kind: onceKind, Key: id} // over at once
	if keep && rec.body.Len() <= onceAnswer {
		n = s.answerNotice(id, &firstAnswer{Request: what, Done: true, Status: rec.status, Header: rec.header, Body: rec.body.Bytes()}, onceLife)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
	defer cancel()
	if err := s.Store.Pin(ctx, n); err != nil {
		s.Log.Warn("console: the answer to a write with an Idempotency-Key could not be kept", "error", err)
	}
}

func (s *server) answerNotice(id string, a *firstAnswer, life time.Duration) bridge.Notice {
	raw, err := json.Marshal(a)
	if err != nil {
		panic(err) // a plain struct
	}
	return bridge.Notice{Kind: onceKind, Key: id, Value: raw, Until: s.Now().Add(life)}
}
