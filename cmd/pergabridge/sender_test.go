package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
)

// A post is one call into the bridge that can be repeated word for word.
type post struct {
	url    string
	header func(http.Header)
	body   []byte
}

// An answer is what the bridge said.
type answer struct {
	code      int
	Event     string `json:"event"`
	Status    word   `json:"status"`
	Reference string `json:"reference"`
	body      string
}

// A word is a text; in a problem document, where status is a number, it stays empty.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*w = word(text)
	}
	return nil
}

// webhook is a vendor's signed webhook.
func (w *world) webhook(provider, id string, change any) post {
	body, err := json.Marshal(change)
	if err != nil {
		panic(err) // a value of the test itself
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(w.vendor[provider].Secret(), "whsec_"))
	if err != nil {
		panic(err)
	}
	return post{url: w.webhooks(provider), body: body, header: func(h http.Header) {
		now := time.Now() // signed anew at each try, as a sender does
		h.Set("Webhook-Id", id)
		h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
		h.Set("Webhook-Signature", vendortest.Sign(key, id, now, body))
	}}
}

// comment is the webhook of a public comment by one of the vendor's people.
func (w *world) comment(provider, id, number, text string) post {
	return w.webhook(provider, id, map[string]any{
		"id": id, "type": "comment.created", "actor": "bob", "ticket": map[string]any{"number": number},
		"comment": map[string]any{"id": "c-" + id, "author": "bob", "public": true, "text": text},
	})
}

// call is a process call of SSP; fields replace those of an update.
func (w *world) call(provider string, fields map[string]any) post {
	all := map[string]any{"request_type": "Update", "direction": "Out"}
	for k, v := range fields {
		all[k] = v
	}
	body, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return post{url: w.calls(provider), body: body, header: func(h http.Header) { h.Set("X-Bridge-Key", intakeKey) }}
}

// send makes one try.
func (w *world) send(ctx context.Context, p post) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	p.header(r.Header)
	res, err := w.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return answer{}, err
	}
	a := answer{code: res.StatusCode, body: string(body)}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("%d %s: %w", a.code, body, err)
	}
	return a, nil
}

// insist tries until the answer is 2xx; any refusal that a repeat would not mend is an error.
func (w *world) insist(ctx context.Context, p post) (answer, error) {
	for {
		a, err := w.send(ctx, p)
		switch {
		case err == nil && a.code/100 == 2:
			return a, nil
		case err == nil && a.code/100 == 4:
			return a, fmt.Errorf("refused: %d %s", a.code, a.body)
		case ctx.Err() != nil:
			return a, fmt.Errorf("gave up: %w (%v, %s)", ctx.Err(), err, a.body)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// mustSend sends and wants this status.
func (w *world) mustSend(p post, code int) answer {
	w.t.Helper()
	a, err := w.send(w.t.Context(), p)
	if err != nil || a.code != code {
		w.t.Fatalf("wanted %d, got %d %s (%v)", code, a.code, a.body, err)
	}
	return a
}

// pause is the think-time of a sender.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
